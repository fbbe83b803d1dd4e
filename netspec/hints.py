"""What people bring along from other frameworks, and how this language says it."""

from __future__ import annotations

from netspec.diagnostics import nearest

ELSEWHERE = {
    "data_format": "tensors are always channels last here; leave it out",
    "input_shape": "the input's shape is written once, as `input` at the top of the spec",
    "dtype": "weights and values are float32; leave it out",
    "seed": "one seed decides everything random: train.seed",
    "batch_input_shape": "the input's shape is written once, as `input`, without the batch axis",
    "lr": "it is a field of the optimizer: `optimizer: {adam: {learning_rate: 1e-3}}`",
    "learning_rate": "it is a field of the optimizer: `optimizer: {adam: {learning_rate: 1e-3}}`",
    "schedule": "it is the learning_rate of the optimizer: `{adam: {learning_rate: {NAME: {…}}}}`",
    "scheduler": "it is the learning_rate of the optimizer: `{adam: {learning_rate: {NAME: {…}}}}`",
    "device": "the command line chooses it: `netspec train --device cuda`",
    "shuffle": "every epoch is shuffled; leave it out",
}
"""Fields that people bring along from Keras, and why this language has none of them."""

INSTEAD = {
    "Input": "the input's shape is written once, as `input` at the top of the spec",
    "InputLayer": "the input's shape is written once, as `input` at the top of the spec",
    "Sequential": "a list of layers is a chain already; `blocks` give a part of it a name",
    "Identity": "it changes nothing: leave it out",
    "ReLU6": "write `- ReLU: {max_value: 6}`",
}
"""Layers of other frameworks, and how this language says the same."""

SYNONYMS = {
    "xavier": "glorot_uniform",
    "xavier_uniform": "glorot_uniform",
    "xavier_normal": "glorot_normal",
    "kaiming_uniform": "he_uniform",
    "kaiming_normal": "he_normal",
    "Linear": "Dense",
    "Conv": "Conv2D",
    "ConvTranspose1d": "Conv1DTranspose",
    "ConvTranspose2d": "Conv2DTranspose",
    "ConvTranspose3d": "Conv3DTranspose",
    "Dropout1d": "SpatialDropout1D",
    "Dropout2d": "SpatialDropout2D",
    "Dropout3d": "SpatialDropout3D",
    "AdaptiveAvgPool1d": "GlobalAveragePooling1D",
    "AdaptiveAvgPool2d": "GlobalAveragePooling2D",
    "AdaptiveAvgPool3d": "GlobalAveragePooling3D",
    "AdaptiveMaxPool1d": "GlobalMaxPooling1D",
    "AdaptiveMaxPool2d": "GlobalMaxPooling2D",
    "AdaptiveMaxPool3d": "GlobalMaxPooling3D",
    "Upsample": "UpSampling2D",
    "RNN": "SimpleRNN",
    "cat": "Concatenate",
    "mse": "mean_squared_error",
    "MSELoss": "mean_squared_error",
    "l2": "mean_squared_error",
    "mae": "mean_absolute_error",
    "L1Loss": "mean_absolute_error",
    "l1": "mean_absolute_error",
    "rmse": "root_mean_squared_error",
    "SmoothL1Loss": "huber",
    "smooth_l1": "huber",
    "bce": "binary_crossentropy",
    "BCELoss": "binary_crossentropy",
    "BCEWithLogitsLoss": "binary_crossentropy",
    "kld": "kl_divergence",
    "KLDivLoss": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "cross_entropy": "sparse_categorical_crossentropy",
    "crossentropy": "sparse_categorical_crossentropy",
    "CrossEntropyLoss": "sparse_categorical_crossentropy",
    "nll": "sparse_categorical_crossentropy",
    "nll_loss": "sparse_categorical_crossentropy",
    "NLLLoss": "sparse_categorical_crossentropy",
    "acc": "accuracy",
    "top_k": "top_k_categorical_accuracy",
    "top_5_accuracy": "top_k_categorical_accuracy",
    "sparse_top_k_categorical_accuracy": "top_k_categorical_accuracy",
    "f1": "f1_score",
    "StepLR": "exponential_decay",
    "ExponentialLR": "exponential_decay",
    "MultiStepLR": "piecewise_constant_decay",
    "LinearLR": "polynomial_decay",
    "PolynomialLR": "polynomial_decay",
    "CosineAnnealingLR": "cosine_decay",
    "CosineAnnealingWarmRestarts": "cosine_decay_restarts",
    "lr": "learning_rate",
    "max_lr": "max_learning_rate",
    "T_max": "decay_steps",
    "step_size": "decay_steps",
    "gamma": "decay_rate",
    "betas": "beta_1",
    "p": "rate",
    "out_channels": "filters",
    "out_features": "units",
    "hidden_size": "units",
    "num_embeddings": "input_dim",
    "embedding_dim": "output_dim",
    "dim": "axis",
    "alpha": "negative_slope",
    "float16": "mixed_float16",
    "fp16": "mixed_float16",
    "bfloat16": "mixed_bfloat16",
    "bf16": "mixed_bfloat16",
    "tensor_float32": "tf32",
}
"""Other frameworks' names, where the nearest name here would be another thing or none."""


def likely(word: str, known: list[str]) -> str | None:
    """The known name that a word was most likely meant to be: another framework's, or near."""
    synonym = SYNONYMS.get(word.removesuffix("_"))
    return synonym if synonym in known else nearest(word, known)

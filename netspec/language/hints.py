"""Words of other frameworks, and how they are written in this language."""

from __future__ import annotations

from netspec.text.diagnostics import nearest

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
    "weight_decay": "it is a field of the optimizer: `optimizer: {adamw: {weight_decay: 0.004}}`",
    "model": "`input` and `layers` are at the top of the spec; leave it out",
    "network": "`input` and `layers` are at the top of the spec; leave it out",
    "normalize": "`scale: 255` divides pixels; the layer Normalization takes mean and variance",
    "device": "the command line chooses it: `netspec train --device cuda`",
    "shuffle": "every epoch is shuffled; leave it out",
    "ignore_class": "it is a field of sparse_categorical_crossentropy, the loss of class indices",
    "ignore_index": "write `ignore_class` in sparse_categorical_crossentropy",
}
"""Fields that people bring along from Keras, and why this language has none of them."""

_NO_MASKS = (
    "there are no masks here: every step counts, padding too; leave it out; `ignore_class` in a "
    "loss leaves out targets"
)
_NO_SHARING = "every layer has separate weights here; a layer can be read by several others"
_NO_OUTPUT_PENALTIES = "nothing penalizes outputs here; kernel_regularizer penalizes weights"
_FIXED_FORM = "it changes no value; leave it out"

LEFT_OUT = {
    "return_state": "a layer has one output here: without return_sequences it is the last state",
    "stateful": "every example begins with a state of zeros here; leave it out",
    "activity_regularizer": _NO_OUTPUT_PENALTIES,
    "mask_zero": _NO_MASKS,
    "mask_value": _NO_MASKS,
    "mask": _NO_MASKS,
    "attention_mask": _NO_MASKS,
    "supports_masking": _NO_MASKS,
    "zero_output_for_mask": _NO_MASKS,
    "shared": _NO_SHARING,
    "share": _NO_SHARING,
    "share_with": _NO_SHARING,
    "share_weights": _NO_SHARING,
    "shared_weights": _NO_SHARING,
    "weights_of": _NO_SHARING,
    "tied_to": _NO_SHARING,
    "reuse": _NO_SHARING,
    "unroll": _FIXED_FORM,
    "use_cudnn": _FIXED_FORM,
    "fused": _FIXED_FORM,
    "implementation": _FIXED_FORM,
    "flash_attention": _FIXED_FORM,
    "time_major": "sequences are (steps, features) here; leave it out",
    "input_length": "the input's shape is written once, as `input` at the top of the spec",
    "batch_size": "it is a field of train: `train: {batch_size: 32}`",
    "weights": "weights come from the seed or from a run; a spec holds none",
    "lora_rank": "a network is trained as a whole here; `trainable: false` freezes a layer",
    "renorm": "batch normalization has no renorm here; leave it out",
    "virtual_batch_size": "train.batch_size is the size of the batch; leave it out",
    "synchronized": "train.batch_size is the size of the batch; leave it out",
    "callbacks": "`early_stopping`, and schedules of the learning rate, are fields here",
    "validation_data": "write `validation_split: 0.1`, which takes the last part of the data",
}
"""Fields of Keras that the language leaves out on purpose, whatever name here is near to them."""

INSTEAD = {
    "Masking": _NO_MASKS,
    "ActivityRegularization": _NO_OUTPUT_PENALTIES,
    "Lambda": "a spec holds no code; build it of layers, such as Rescaling, Multiply or Activation",
    "Input": "the input's shape is written once, as `input` at the top of the spec",
    "InputLayer": "the input's shape is written once, as `input` at the top of the spec",
    "Sequential": "a list of layers is a chain already; `blocks` name a part of it",
    "ReLU6": "write `- ReLU: {max_value: 6}`",
    **dict.fromkeys(
        ("TextVectorization", "StringLookup", "IntegerLookup", "Hashing", "CategoryEncoding"),
        "a network takes numbers here: turn words into whole numbers first, for an Embedding",
    ),
}
"""Layers of other frameworks, and how they are written in this language."""

SYNONYMS = {
    "he": "he_normal",
    "kaiming": "he_normal",
    "glorot": "glorot_uniform",
    "lecun": "lecun_normal",
    "normal": "random_normal",
    "uniform": "random_uniform",
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
    "ignore_index": "ignore_class",
    "file": "path",
    "filename": "path",
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

"""The network mnist_vit as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (28, 28, 1), divided by 255, to probabilities (10).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((28, 28, 1), name="input")
    x = layers.Conv2D(64, 7, strides=7, name="patches")(inputs)  # (4, 4, 64)
    x = layers.Reshape((16, 64), name="reshape")(x)  # (16, 64)
    layer_normalization = layers.LayerNormalization(
        axis=(1, 2),
        scale=False,
        name="layer_normalization",
    )(x)  # (16, 64)
    x = layers.LayerNormalization(
        epsilon=1e-06,
        name="encoder_0.self_attention.layer_normalization",
    )(layer_normalization)  # (16, 64)
    x = layers.MultiHeadAttention(
        num_heads=4,
        key_dim=16,
        name="encoder_0.self_attention.multi_head_attention",
    )(x, x)  # (16, 64)
    encoder_0_self_attention_add = layers.Add(
        name="encoder_0.self_attention.add",
    )([layer_normalization, x])  # (16, 64)
    x = layers.LayerNormalization(
        epsilon=1e-06,
        name="encoder_0.perceptron.layer_normalization",
    )(encoder_0_self_attention_add)  # (16, 64)
    x = layers.Dense(128, activation="gelu", name="encoder_0.perceptron.dense")(x)  # (16, 128)
    x = layers.Dense(64, name="encoder_0.perceptron.dense_1")(x)  # (16, 64)
    encoder_0_perceptron_add = layers.Add(
        name="encoder_0.perceptron.add",
    )([encoder_0_self_attention_add, x])  # (16, 64)
    x = layers.LayerNormalization(
        epsilon=1e-06,
        name="encoder_1.self_attention.layer_normalization",
    )(encoder_0_perceptron_add)  # (16, 64)
    x = layers.MultiHeadAttention(
        num_heads=4,
        key_dim=16,
        name="encoder_1.self_attention.multi_head_attention",
    )(x, x)  # (16, 64)
    encoder_1_self_attention_add = layers.Add(
        name="encoder_1.self_attention.add",
    )([encoder_0_perceptron_add, x])  # (16, 64)
    x = layers.LayerNormalization(
        epsilon=1e-06,
        name="encoder_1.perceptron.layer_normalization",
    )(encoder_1_self_attention_add)  # (16, 64)
    x = layers.Dense(128, activation="gelu", name="encoder_1.perceptron.dense")(x)  # (16, 128)
    x = layers.Dense(64, name="encoder_1.perceptron.dense_1")(x)  # (16, 64)
    encoder_1_perceptron_add = layers.Add(
        name="encoder_1.perceptron.add",
    )([encoder_1_self_attention_add, x])  # (16, 64)
    x = layers.LayerNormalization(
        epsilon=1e-06,
        name="encoder_2.self_attention.layer_normalization",
    )(encoder_1_perceptron_add)  # (16, 64)
    x = layers.MultiHeadAttention(
        num_heads=4,
        key_dim=16,
        name="encoder_2.self_attention.multi_head_attention",
    )(x, x)  # (16, 64)
    encoder_2_self_attention_add = layers.Add(
        name="encoder_2.self_attention.add",
    )([encoder_1_perceptron_add, x])  # (16, 64)
    x = layers.LayerNormalization(
        epsilon=1e-06,
        name="encoder_2.perceptron.layer_normalization",
    )(encoder_2_self_attention_add)  # (16, 64)
    x = layers.Dense(128, activation="gelu", name="encoder_2.perceptron.dense")(x)  # (16, 128)
    x = layers.Dense(64, name="encoder_2.perceptron.dense_1")(x)  # (16, 64)
    encoder_2_perceptron_add = layers.Add(
        name="encoder_2.perceptron.add",
    )([encoder_2_self_attention_add, x])  # (16, 64)
    x = layers.LayerNormalization(
        epsilon=1e-06,
        name="encoder_3.self_attention.layer_normalization",
    )(encoder_2_perceptron_add)  # (16, 64)
    x = layers.MultiHeadAttention(
        num_heads=4,
        key_dim=16,
        name="encoder_3.self_attention.multi_head_attention",
    )(x, x)  # (16, 64)
    encoder_3_self_attention_add = layers.Add(
        name="encoder_3.self_attention.add",
    )([encoder_2_perceptron_add, x])  # (16, 64)
    x = layers.LayerNormalization(
        epsilon=1e-06,
        name="encoder_3.perceptron.layer_normalization",
    )(encoder_3_self_attention_add)  # (16, 64)
    x = layers.Dense(128, activation="gelu", name="encoder_3.perceptron.dense")(x)  # (16, 128)
    x = layers.Dense(64, name="encoder_3.perceptron.dense_1")(x)  # (16, 64)
    x = layers.Add(name="encoder_3.perceptron.add")([encoder_3_self_attention_add, x])  # (16, 64)
    x = layers.LayerNormalization(epsilon=1e-06, name="layer_normalization_1")(x)  # (16, 64)
    x = layers.GlobalAveragePooling1D(name="global_average_pooling1d")(x)  # (64)
    x = layers.Dense(10, activation=None if logits else "softmax", name="dense")(x)  # (10)
    return keras.Model(inputs, x, name="mnist_vit")


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.AdamW(learning_rate=0.001, weight_decay=0.0001)


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "patches": ["patches.kernel", "patches.bias"],
    "layer_normalization": ["layer_normalization.beta"],
    "encoder_0.self_attention.layer_normalization": [
        "encoder_0/self_attention/layer_normalization.gamma",
        "encoder_0/self_attention/layer_normalization.beta",
    ],
    "encoder_0.self_attention.multi_head_attention": [
        "encoder_0/self_attention/multi_head_attention.query.kernel",
        "encoder_0/self_attention/multi_head_attention.query.bias",
        "encoder_0/self_attention/multi_head_attention.key.kernel",
        "encoder_0/self_attention/multi_head_attention.key.bias",
        "encoder_0/self_attention/multi_head_attention.value.kernel",
        "encoder_0/self_attention/multi_head_attention.value.bias",
        "encoder_0/self_attention/multi_head_attention.attention_output.kernel",
        "encoder_0/self_attention/multi_head_attention.attention_output.bias",
    ],
    "encoder_0.perceptron.layer_normalization": [
        "encoder_0/perceptron/layer_normalization.gamma",
        "encoder_0/perceptron/layer_normalization.beta",
    ],
    "encoder_0.perceptron.dense": [
        "encoder_0/perceptron/dense.kernel",
        "encoder_0/perceptron/dense.bias",
    ],
    "encoder_0.perceptron.dense_1": [
        "encoder_0/perceptron/dense_1.kernel",
        "encoder_0/perceptron/dense_1.bias",
    ],
    "encoder_1.self_attention.layer_normalization": [
        "encoder_1/self_attention/layer_normalization.gamma",
        "encoder_1/self_attention/layer_normalization.beta",
    ],
    "encoder_1.self_attention.multi_head_attention": [
        "encoder_1/self_attention/multi_head_attention.query.kernel",
        "encoder_1/self_attention/multi_head_attention.query.bias",
        "encoder_1/self_attention/multi_head_attention.key.kernel",
        "encoder_1/self_attention/multi_head_attention.key.bias",
        "encoder_1/self_attention/multi_head_attention.value.kernel",
        "encoder_1/self_attention/multi_head_attention.value.bias",
        "encoder_1/self_attention/multi_head_attention.attention_output.kernel",
        "encoder_1/self_attention/multi_head_attention.attention_output.bias",
    ],
    "encoder_1.perceptron.layer_normalization": [
        "encoder_1/perceptron/layer_normalization.gamma",
        "encoder_1/perceptron/layer_normalization.beta",
    ],
    "encoder_1.perceptron.dense": [
        "encoder_1/perceptron/dense.kernel",
        "encoder_1/perceptron/dense.bias",
    ],
    "encoder_1.perceptron.dense_1": [
        "encoder_1/perceptron/dense_1.kernel",
        "encoder_1/perceptron/dense_1.bias",
    ],
    "encoder_2.self_attention.layer_normalization": [
        "encoder_2/self_attention/layer_normalization.gamma",
        "encoder_2/self_attention/layer_normalization.beta",
    ],
    "encoder_2.self_attention.multi_head_attention": [
        "encoder_2/self_attention/multi_head_attention.query.kernel",
        "encoder_2/self_attention/multi_head_attention.query.bias",
        "encoder_2/self_attention/multi_head_attention.key.kernel",
        "encoder_2/self_attention/multi_head_attention.key.bias",
        "encoder_2/self_attention/multi_head_attention.value.kernel",
        "encoder_2/self_attention/multi_head_attention.value.bias",
        "encoder_2/self_attention/multi_head_attention.attention_output.kernel",
        "encoder_2/self_attention/multi_head_attention.attention_output.bias",
    ],
    "encoder_2.perceptron.layer_normalization": [
        "encoder_2/perceptron/layer_normalization.gamma",
        "encoder_2/perceptron/layer_normalization.beta",
    ],
    "encoder_2.perceptron.dense": [
        "encoder_2/perceptron/dense.kernel",
        "encoder_2/perceptron/dense.bias",
    ],
    "encoder_2.perceptron.dense_1": [
        "encoder_2/perceptron/dense_1.kernel",
        "encoder_2/perceptron/dense_1.bias",
    ],
    "encoder_3.self_attention.layer_normalization": [
        "encoder_3/self_attention/layer_normalization.gamma",
        "encoder_3/self_attention/layer_normalization.beta",
    ],
    "encoder_3.self_attention.multi_head_attention": [
        "encoder_3/self_attention/multi_head_attention.query.kernel",
        "encoder_3/self_attention/multi_head_attention.query.bias",
        "encoder_3/self_attention/multi_head_attention.key.kernel",
        "encoder_3/self_attention/multi_head_attention.key.bias",
        "encoder_3/self_attention/multi_head_attention.value.kernel",
        "encoder_3/self_attention/multi_head_attention.value.bias",
        "encoder_3/self_attention/multi_head_attention.attention_output.kernel",
        "encoder_3/self_attention/multi_head_attention.attention_output.bias",
    ],
    "encoder_3.perceptron.layer_normalization": [
        "encoder_3/perceptron/layer_normalization.gamma",
        "encoder_3/perceptron/layer_normalization.beta",
    ],
    "encoder_3.perceptron.dense": [
        "encoder_3/perceptron/dense.kernel",
        "encoder_3/perceptron/dense.bias",
    ],
    "encoder_3.perceptron.dense_1": [
        "encoder_3/perceptron/dense_1.kernel",
        "encoder_3/perceptron/dense_1.bias",
    ],
    "layer_normalization_1": ["layer_normalization_1.gamma", "layer_normalization_1.beta"],
    "dense": ["dense.kernel", "dense.bias"],
}


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors")."""
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()

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


# The axes of every weight in a weights file.
AXES = {
    "patches.kernel": {"height": 7, "width": 7, "input": 1, "output": 64},
    "patches.bias": {"output": 64},
    "layer_normalization.beta": {"axis0": 16, "axis1": 64},
    "encoder_0/self_attention/layer_normalization.gamma": {"axis0": 64},
    "encoder_0/self_attention/layer_normalization.beta": {"axis0": 64},
    "encoder_0/self_attention/multi_head_attention.query.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_0/self_attention/multi_head_attention.query.bias": {"head": 4, "size": 16},
    "encoder_0/self_attention/multi_head_attention.key.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_0/self_attention/multi_head_attention.key.bias": {"head": 4, "size": 16},
    "encoder_0/self_attention/multi_head_attention.value.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_0/self_attention/multi_head_attention.value.bias": {"head": 4, "size": 16},
    "encoder_0/self_attention/multi_head_attention.attention_output.kernel": {
        "head": 4,
        "size": 16,
        "output": 64,
    },
    "encoder_0/self_attention/multi_head_attention.attention_output.bias": {"output": 64},
    "encoder_0/perceptron/layer_normalization.gamma": {"axis0": 64},
    "encoder_0/perceptron/layer_normalization.beta": {"axis0": 64},
    "encoder_0/perceptron/dense.kernel": {"input": 64, "output": 128},
    "encoder_0/perceptron/dense.bias": {"output": 128},
    "encoder_0/perceptron/dense_1.kernel": {"input": 128, "output": 64},
    "encoder_0/perceptron/dense_1.bias": {"output": 64},
    "encoder_1/self_attention/layer_normalization.gamma": {"axis0": 64},
    "encoder_1/self_attention/layer_normalization.beta": {"axis0": 64},
    "encoder_1/self_attention/multi_head_attention.query.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_1/self_attention/multi_head_attention.query.bias": {"head": 4, "size": 16},
    "encoder_1/self_attention/multi_head_attention.key.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_1/self_attention/multi_head_attention.key.bias": {"head": 4, "size": 16},
    "encoder_1/self_attention/multi_head_attention.value.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_1/self_attention/multi_head_attention.value.bias": {"head": 4, "size": 16},
    "encoder_1/self_attention/multi_head_attention.attention_output.kernel": {
        "head": 4,
        "size": 16,
        "output": 64,
    },
    "encoder_1/self_attention/multi_head_attention.attention_output.bias": {"output": 64},
    "encoder_1/perceptron/layer_normalization.gamma": {"axis0": 64},
    "encoder_1/perceptron/layer_normalization.beta": {"axis0": 64},
    "encoder_1/perceptron/dense.kernel": {"input": 64, "output": 128},
    "encoder_1/perceptron/dense.bias": {"output": 128},
    "encoder_1/perceptron/dense_1.kernel": {"input": 128, "output": 64},
    "encoder_1/perceptron/dense_1.bias": {"output": 64},
    "encoder_2/self_attention/layer_normalization.gamma": {"axis0": 64},
    "encoder_2/self_attention/layer_normalization.beta": {"axis0": 64},
    "encoder_2/self_attention/multi_head_attention.query.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_2/self_attention/multi_head_attention.query.bias": {"head": 4, "size": 16},
    "encoder_2/self_attention/multi_head_attention.key.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_2/self_attention/multi_head_attention.key.bias": {"head": 4, "size": 16},
    "encoder_2/self_attention/multi_head_attention.value.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_2/self_attention/multi_head_attention.value.bias": {"head": 4, "size": 16},
    "encoder_2/self_attention/multi_head_attention.attention_output.kernel": {
        "head": 4,
        "size": 16,
        "output": 64,
    },
    "encoder_2/self_attention/multi_head_attention.attention_output.bias": {"output": 64},
    "encoder_2/perceptron/layer_normalization.gamma": {"axis0": 64},
    "encoder_2/perceptron/layer_normalization.beta": {"axis0": 64},
    "encoder_2/perceptron/dense.kernel": {"input": 64, "output": 128},
    "encoder_2/perceptron/dense.bias": {"output": 128},
    "encoder_2/perceptron/dense_1.kernel": {"input": 128, "output": 64},
    "encoder_2/perceptron/dense_1.bias": {"output": 64},
    "encoder_3/self_attention/layer_normalization.gamma": {"axis0": 64},
    "encoder_3/self_attention/layer_normalization.beta": {"axis0": 64},
    "encoder_3/self_attention/multi_head_attention.query.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_3/self_attention/multi_head_attention.query.bias": {"head": 4, "size": 16},
    "encoder_3/self_attention/multi_head_attention.key.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_3/self_attention/multi_head_attention.key.bias": {"head": 4, "size": 16},
    "encoder_3/self_attention/multi_head_attention.value.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_3/self_attention/multi_head_attention.value.bias": {"head": 4, "size": 16},
    "encoder_3/self_attention/multi_head_attention.attention_output.kernel": {
        "head": 4,
        "size": 16,
        "output": 64,
    },
    "encoder_3/self_attention/multi_head_attention.attention_output.bias": {"output": 64},
    "encoder_3/perceptron/layer_normalization.gamma": {"axis0": 64},
    "encoder_3/perceptron/layer_normalization.beta": {"axis0": 64},
    "encoder_3/perceptron/dense.kernel": {"input": 64, "output": 128},
    "encoder_3/perceptron/dense.bias": {"output": 128},
    "encoder_3/perceptron/dense_1.kernel": {"input": 128, "output": 64},
    "encoder_3/perceptron/dense_1.bias": {"output": 64},
    "layer_normalization_1.gamma": {"axis0": 64},
    "layer_normalization_1.beta": {"axis0": 64},
    "dense.kernel": {"input": 64, "output": 10},
    "dense.bias": {"output": 10},
}


def find_mismatch(
    weights: dict[str, object], axes: dict[str, dict[str, int]]
) -> tuple[str, str] | None:
    """The first weight that does not fit and why, and what to do; None where all fit.

    Weights are float32 arrays by key. `axes` has the size of every axis by its role, by key.
    """
    retrained = "use the weights with the network that they were trained with"
    for key, sizes in axes.items():
        if key not in weights:
            return f"there is no weight {key}", retrained
        value, expected = weights[key], tuple(sizes.values())
        shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
        if shape is None or dtype is None:
            return f"{key} is not an array", "convert it to an array of float32"
        if tuple(shape) != expected:
            named = ", ".join(f"{role} {size}" for role, size in sizes.items())
            fault = f"{key} has the shape {tuple(shape)}, not ({named})"
            turned = sorted(shape) == sorted(expected)
            return fault, "transpose its axes to this order" if turned else retrained
        if str(dtype).removeprefix("torch.") != "float32":
            return f"{key} is {dtype}, not float32", "convert it to float32"
        low, high = value.min(), value.max()
        if not float("-inf") < low <= high < float("inf"):
            return f"{key} has values that are not finite", "take weights of an earlier epoch"
    unknown = [key for key in weights if key not in axes]
    return (f"{unknown[0]} is not a weight of the network", retrained) if unknown else None


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors").

    Raises ValueError where the weights are not the ones of the network.
    """
    if mismatch := find_mismatch(weights, AXES):
        raise ValueError(": ".join(mismatch))
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()

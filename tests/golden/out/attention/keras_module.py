"""The network attention as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (6, 8) to probabilities (3).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((6, 8), name="input")
    own = layers.MultiHeadAttention(
        num_heads=2,
        key_dim=4,
        dropout=0.1,
        name="own",
    )(inputs, inputs, use_causal_mask=True)  # (6, 8)
    side = layers.Dense(8, activation="relu", name="side")(own)  # (6, 8)
    cross = layers.MultiHeadAttention(
        num_heads=3,
        key_dim=2,
        value_dim=5,
        use_bias=False,
        output_shape=8,
        name="cross",
    )(own, side)  # (6, 8)
    multi_head_attention = layers.MultiHeadAttention(
        num_heads=1,
        key_dim=4,
        kernel_initializer="lecun_normal",
        name="multi_head_attention",
    )(own, side, cross)  # (6, 8)
    x = layers.Attention(use_scale=True, dropout=0.2, name="attention")([own, cross])  # (6, 8)
    x = layers.Attention(
        score_mode="concat",
        name="attention_1",
    )([own, cross, x], use_causal_mask=True)  # (6, 8)
    x = layers.AdditiveAttention(name="additive_attention")([multi_head_attention, x])  # (6, 8)
    x = layers.GroupQueryAttention(
        head_dim=4,
        num_query_heads=4,
        num_key_value_heads=2,
        sliding_window=3,
        use_gate=True,
        name="grouped_query_attention",
    )(x, x)  # (6, 8)
    x = layers.EinsumDense(
        "abc,cd->abd",
        (6, 5),
        activation="relu",
        bias_axes="d",
        name="einsum_dense",
    )(x)  # (6, 5)
    x = layers.Identity(name="identity")(x)  # (6, 5)
    x = layers.Flatten(name="flatten")(x)  # (30)
    x = layers.Dense(3, activation=None if logits else "softmax", name="dense")(x)  # (3)
    model = keras.Model(inputs, x, name="attention")
    model.get_layer("multi_head_attention").trainable = False
    return model


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(learning_rate=0.001)


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "own": [
        "own.query.kernel",
        "own.query.bias",
        "own.key.kernel",
        "own.key.bias",
        "own.value.kernel",
        "own.value.bias",
        "own.attention_output.kernel",
        "own.attention_output.bias",
    ],
    "side": ["side.kernel", "side.bias"],
    "cross": [
        "cross.query.kernel",
        "cross.key.kernel",
        "cross.value.kernel",
        "cross.attention_output.kernel",
    ],
    "multi_head_attention": [
        "multi_head_attention.query.kernel",
        "multi_head_attention.query.bias",
        "multi_head_attention.key.kernel",
        "multi_head_attention.key.bias",
        "multi_head_attention.value.kernel",
        "multi_head_attention.value.bias",
        "multi_head_attention.attention_output.kernel",
        "multi_head_attention.attention_output.bias",
    ],
    "attention": ["attention.scale"],
    "attention_1": ["attention_1.concat_score_weight"],
    "additive_attention": ["additive_attention.scale"],
    "grouped_query_attention": [
        "grouped_query_attention.query.kernel",
        "grouped_query_attention.query.bias",
        "grouped_query_attention.key.kernel",
        "grouped_query_attention.key.bias",
        "grouped_query_attention.gate.kernel",
        "grouped_query_attention.gate.bias",
        "grouped_query_attention.value.kernel",
        "grouped_query_attention.value.bias",
        "grouped_query_attention.attention_output.kernel",
        "grouped_query_attention.attention_output.bias",
    ],
    "einsum_dense": ["einsum_dense.kernel", "einsum_dense.bias"],
    "dense": ["dense.kernel", "dense.bias"],
}


# The axes of every weight in a weights file.
AXES = {
    "own.query.kernel": {"input": 8, "head": 2, "size": 4},
    "own.query.bias": {"head": 2, "size": 4},
    "own.key.kernel": {"input": 8, "head": 2, "size": 4},
    "own.key.bias": {"head": 2, "size": 4},
    "own.value.kernel": {"input": 8, "head": 2, "size": 4},
    "own.value.bias": {"head": 2, "size": 4},
    "own.attention_output.kernel": {"head": 2, "size": 4, "output": 8},
    "own.attention_output.bias": {"output": 8},
    "side.kernel": {"input": 8, "output": 8},
    "side.bias": {"output": 8},
    "cross.query.kernel": {"input": 8, "head": 3, "size": 2},
    "cross.key.kernel": {"input": 8, "head": 3, "size": 2},
    "cross.value.kernel": {"input": 8, "head": 3, "size": 5},
    "cross.attention_output.kernel": {"head": 3, "size": 5, "output": 8},
    "multi_head_attention.query.kernel": {"input": 8, "head": 1, "size": 4},
    "multi_head_attention.query.bias": {"head": 1, "size": 4},
    "multi_head_attention.key.kernel": {"input": 8, "head": 1, "size": 4},
    "multi_head_attention.key.bias": {"head": 1, "size": 4},
    "multi_head_attention.value.kernel": {"input": 8, "head": 1, "size": 4},
    "multi_head_attention.value.bias": {"head": 1, "size": 4},
    "multi_head_attention.attention_output.kernel": {"head": 1, "size": 4, "output": 8},
    "multi_head_attention.attention_output.bias": {"output": 8},
    "attention.scale": {},
    "attention_1.concat_score_weight": {},
    "additive_attention.scale": {"input": 8},
    "grouped_query_attention.query.kernel": {"input": 8, "head": 4, "size": 4},
    "grouped_query_attention.query.bias": {"head": 4, "size": 4},
    "grouped_query_attention.key.kernel": {"input": 8, "head": 2, "size": 4},
    "grouped_query_attention.key.bias": {"head": 2, "size": 4},
    "grouped_query_attention.gate.kernel": {"input": 8, "head": 4, "size": 4},
    "grouped_query_attention.gate.bias": {"head": 4, "size": 4},
    "grouped_query_attention.value.kernel": {"input": 8, "head": 2, "size": 4},
    "grouped_query_attention.value.bias": {"head": 2, "size": 4},
    "grouped_query_attention.attention_output.kernel": {"head": 4, "size": 4, "output": 8},
    "grouped_query_attention.attention_output.bias": {"output": 8},
    "einsum_dense.kernel": {"c": 8, "d": 5},
    "einsum_dense.bias": {"d": 5},
    "dense.kernel": {"input": 30, "output": 3},
    "dense.bias": {"output": 3},
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

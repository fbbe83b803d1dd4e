"""Initial weights depend only on seed and key; a file contains the weights of one graph."""

from __future__ import annotations

import hashlib
import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save

from netspec.graph import Graph, infer
from netspec.language.layers import Conv2D, Dense, Flatten, GlobalAveragePooling2D, MaxPooling2D
from netspec.language.layers.attention import MultiHeadAttention
from netspec.language.layers.axes import (
    INDEX,
    INPUT,
    MULTIPLIER,
    OUTPUT,
    SPACE,
    TRANSPOSED,
    WeightAxes,
    channels_first,
    elements,
    fans,
)
from netspec.language.layers.initializers import (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    Initializer,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
    resolve,
)
from netspec.language.layers.normalization import BatchNormalization
from netspec.language.layers.regularization import Dropout
from netspec.language.layers.regularizers import L1, L1L2, L2
from netspec.numerics.initial import check_memory, draw, initial
from netspec.numerics.losses import penalty
from netspec.numerics.seeds import generator
from netspec.numerics.weights import check, load, read_safetensors, to_bytes
from netspec.text.diagnostics import WeightsError


def network(
    *layers: Any, shape: tuple[int, ...] = (8, 8, 3), outputs: tuple[str, ...] | None = None
) -> Graph:
    graph, faults = infer("example", shape, layers, outputs)
    assert not faults
    return graph


CONV = Conv2D(filters=4, kernel_size=(3, 3), name="conv")
SMALL = network(CONV, BatchNormalization(), Flatten(), Dense(units=2))

# Initial values.


def test_initial_values_have_shape_and_float32() -> None:
    values = initial(SMALL, 0)

    assert {key: (value.shape, value.dtype) for key, value in values.items()} == {
        key: (weight.shape, np.dtype(np.float32)) for key, weight in SMALL.weights()
    }


def test_equal_seeds_have_equal_initial_values() -> None:
    assert_same(initial(SMALL, 7), initial(SMALL, 7))


def test_initial_values_differ_for_another_seed() -> None:
    assert not np.array_equal(initial(SMALL, 7)["conv.kernel"], initial(SMALL, 8)["conv.kernel"])


def test_initial_values_differ_for_another_key() -> None:
    graph = network(Dense(units=3), Dense(units=3))
    values = initial(graph, 0)

    assert not np.array_equal(values["dense.kernel"], values["dense_1.kernel"])


def test_initial_values_do_not_depend_on_other_layers() -> None:
    other = network(Dropout(rate=0.5), CONV, MaxPooling2D(), GlobalAveragePooling2D())

    np.testing.assert_array_equal(
        initial(other, 0)["conv.kernel"], initial(SMALL, 0)["conv.kernel"]
    )


def philox(key: int, count: int) -> list[float]:
    """Uniform numbers in [0, 1) of Philox4x64-10 (Salmon et al., 2011), one 64-bit word each."""
    word = 2**64 - 1
    numbers: list[float] = []
    for block in range(1, count // 4 + 2):
        a, b, c, d = block, 0, 0, 0
        k0, k1 = key & word, key >> 64
        for _ in range(10):
            high, low = divmod(a * 0xD2E7470EE14C6C93, 2**64)
            other_high, other_low = divmod(c * 0xCA5A826395121157, 2**64)
            a, b, c, d = other_high ^ b ^ k0, other_low, high ^ d ^ k1, low
            k0, k1 = (k0 + 0x9E3779B97F4A7C15) & word, (k1 + 0xBB67AE8584CAA73B) & word
        numbers += [(number >> 11) / 2**53 for number in (a, b, c, d)]
    return numbers[:count]


def key_of(seed: int, purpose: str) -> int:
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=16).digest()
    return int.from_bytes(digest, "little")


@pytest.mark.parametrize("seed", [0, 7, 2**63 - 1])
def test_random_numbers_are_keyed_philox(seed: int) -> None:
    expected = philox(key_of(seed, "conv.kernel"), 11)

    assert generator(seed, "conv.kernel").random(11).tolist() == expected


def test_uniform_weights_are_scaled_philox_numbers() -> None:
    values = initial(network(Dense(units=3), shape=(2,)), 7)["dense.kernel"]
    limit = math.sqrt(6 / (2 + 3))

    uniform = np.array(philox(key_of(7, "dense.kernel"), 6)).reshape(2, 3)

    np.testing.assert_array_equal(values, (2 * limit * uniform - limit).astype(np.float32))


KERNEL = (3, 3, 32, 64)
FAN_IN, FAN_OUT = 3 * 3 * 32, 3 * 3 * 64
FAN_AVG = (FAN_IN + FAN_OUT) / 2

UNIFORM: list[tuple[Initializer, float, float]] = [
    (GlorotUniform(), -math.sqrt(3 / FAN_AVG), math.sqrt(3 / FAN_AVG)),
    (HeUniform(), -math.sqrt(6 / FAN_IN), math.sqrt(6 / FAN_IN)),
    (LecunUniform(), -math.sqrt(3 / FAN_IN), math.sqrt(3 / FAN_IN)),
    (
        VarianceScaling(scale=0.5, mode="fan_out", distribution="uniform"),
        -math.sqrt(1.5 / FAN_OUT),
        math.sqrt(1.5 / FAN_OUT),
    ),
    (RandomUniform(), -0.05, 0.05),
    (RandomUniform(minval=1.0, maxval=3.0), 1, 3),
]


@pytest.mark.parametrize(("initializer", "low", "high"), UNIFORM, ids=str)
def test_a_uniform_initializer_keeps_keras_limits(
    initializer: Initializer, low: float, high: float
) -> None:
    values = draw_values(initializer, KERNEL)

    assert low <= values.min() < low + 0.001 * (high - low)
    assert high - 0.001 * (high - low) < values.max() <= high
    assert values.mean() == pytest.approx((low + high) / 2, abs=0.01 * (high - low))
    assert values.std() == pytest.approx((high - low) / math.sqrt(12), rel=0.02)


NORMAL: list[tuple[Initializer, float, float]] = [
    (RandomNormal(), 0, 0.05),
    (RandomNormal(mean=1.0, stddev=0.5), 1, 0.5),
    (VarianceScaling(scale=2.0, distribution="untruncated_normal"), 0, math.sqrt(2 / FAN_IN)),
]


@pytest.mark.parametrize(("initializer", "mean", "stddev"), NORMAL, ids=str)
def test_normal_initializers_have_mean_and_deviation(
    initializer: Initializer, mean: float, stddev: float
) -> None:
    values = draw_values(initializer, KERNEL)

    assert values.mean() == pytest.approx(mean, abs=0.03 * stddev)
    assert values.std() == pytest.approx(stddev, rel=0.02)
    assert np.abs(values - mean).max() > 3 * stddev  # without truncation


CUT = 0.87962566103423978  # standard deviation of a normal distribution truncated at 2, as in Keras

TRUNCATED: list[tuple[Initializer, float, float]] = [
    (GlorotNormal(), 0, math.sqrt(1 / FAN_AVG)),
    (HeNormal(), 0, math.sqrt(2 / FAN_IN)),
    (LecunNormal(), 0, math.sqrt(1 / FAN_IN)),
    (VarianceScaling(scale=3.0, mode="fan_avg"), 0, math.sqrt(3 / FAN_AVG)),
    (TruncatedNormal(), 0, 0.05 * CUT),  # Keras does not rescale these
    (TruncatedNormal(mean=1.0, stddev=0.5), 1, 0.5 * CUT),
]


@pytest.mark.parametrize(("initializer", "mean", "stddev"), TRUNCATED, ids=str)
def test_a_truncated_initializer_has_keras_deviation_and_bound(
    initializer: Initializer, mean: float, stddev: float
) -> None:
    values = draw_values(initializer, KERNEL)
    end = 2 * stddev / CUT

    assert values.mean() == pytest.approx(mean, abs=0.03 * stddev)
    assert values.std() == pytest.approx(stddev, rel=0.02)
    assert 0.99 * end < np.abs(values - mean).max() <= end * (1 + 1e-6)


@pytest.mark.parametrize(
    ("axes", "shape", "expected"),
    [
        ((), (), (1, 1)),
        (elements("output"), (50,), (50, 50)),
        (elements("side", "output"), (2, 6), (2, 6)),
        (elements("space1", "space2", "channel"), (5, 6, 3), (30, 15)),
        ((INPUT, OUTPUT), (50, 7), (50, 7)),
        ((*SPACE[1:], INPUT, OUTPUT), (3, 5, 7, 2), (105, 30)),
        ((*SPACE[1:], INPUT, MULTIPLIER), (3, 5, 7, 2), (105, 30)),
        ((*SPACE[1:], *TRANSPOSED), (3, 5, 7, 2), (105, 30)),
    ],
)
def test_fans_follow_from_the_roles_of_axes(
    axes: WeightAxes, shape: tuple[int, ...], expected: tuple[int, int]
) -> None:
    assert fans(axes, shape) == expected


# PyTorch's shapes: Linear (out, in), Conv2d (out, in, kH, kW), ConvTranspose2d (in, out, kH, kW);
# an Embedding (index, out) as Keras's.
@pytest.mark.parametrize(
    ("axes", "order"),
    [
        ((INPUT, OUTPUT), (1, 0)),
        ((*SPACE[1:], INPUT, OUTPUT), (3, 2, 0, 1)),
        ((*SPACE[1:], *TRANSPOSED), (3, 2, 0, 1)),
        ((*SPACE, INPUT, MULTIPLIER), (3, 4, 0, 1, 2)),
        ((INDEX, OUTPUT), (0, 1)),
        (elements("side", "output"), (0, 1)),
        (elements("output"), (0,)),
        ((), ()),
    ],
)
def test_kernels_are_permuted_by_the_roles_of_axes(
    axes: WeightAxes, order: tuple[int, ...]
) -> None:
    assert channels_first(axes) == order


def test_attention_kernels_have_the_deviations_of_keras() -> None:
    # Fans: 64 features and 8 heads of size 16; deviation sqrt(2 / (64 + 128)) as in Keras 3.15.1.
    layer = MultiHeadAttention(num_heads=8, key_dim=16, name="attention")
    values = initial(network(layer, shape=(16, 64)), 0)

    for name in ("query", "key", "value", "attention_output"):
        assert values[f"attention.{name}.kernel"].std() == pytest.approx(0.102, rel=0.02)


@pytest.mark.parametrize(
    ("initializer", "value"), [(Zeros(), 0), (Ones(), 1), (Constant(value=0.3), 0.3)], ids=str
)
def test_a_constant_initializer_is_constant(initializer: Initializer, value: float) -> None:
    np.testing.assert_array_equal(
        draw_values(initializer, (2, 3)), np.full((2, 3), value, np.float32)
    )


@pytest.mark.parametrize("shape", [(6, 6), (8, 3), (3, 8), (3, 3, 2, 5), (2, 2, 1, 9)], ids=str)
@pytest.mark.parametrize("gain", [1.0, 1.5])
def test_an_orthogonal_weight_is_orthogonal(shape: tuple[int, ...], gain: float) -> None:
    matrix = draw_values(Orthogonal(gain=gain), shape).reshape(-1, shape[-1]).astype(np.float64)
    smaller = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T

    np.testing.assert_allclose(smaller, gain**2 * np.eye(len(smaller)), atol=1e-6)


def test_an_orthogonal_weight_prefers_no_sign() -> None:
    diagonal = [draw(Orthogonal(), (2, 2), generator(seed, "sign"))[0, 0] for seed in range(200)]

    assert 70 < sum(value > 0 for value in diagonal) < 130  # four standard deviations around 100


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2)], ids=str)
def test_an_identity_weight_is_the_identity(shape: tuple[int, int]) -> None:
    np.testing.assert_array_equal(draw_values(Identity(gain=2.0), shape), 2 * np.eye(*shape))


# Penalties.


def test_penalties_are_sums_over_the_values() -> None:
    layer = Dense(units=2, kernel_regularizer=L1L2(l1=0.5, l2=0.25), bias_regularizer=L1(l1=0.1))
    graph = network(layer, Dense(units=1, kernel_regularizer=L2(l2=2)), shape=(2,))
    weights = {
        "dense.kernel": np.float32([[1, -2], [3, 0]]),  # 0.5 (1 + 2 + 3) + 0.25 (1 + 4 + 9)
        "dense.bias": np.float32([-4, 1]),  # 0.1 (4 + 1)
        "dense_1.kernel": np.float32([[1], [-3]]),  # 2 (1 + 9)
        "dense_1.bias": np.float32([7]),
    }

    assert penalty(graph, weights) == pytest.approx(3 + 3.5 + 0.5 + 20, rel=1e-12)


def test_frozen_weights_have_no_penalty() -> None:
    graph = network(Dense(units=2, kernel_regularizer=L2(l2=2), trainable=False), shape=(2,))

    assert penalty(graph, initial(graph, 0)) == 0


# Memory.

# 2^27 + 2 values of 4 bytes are 0.5 GiB.
LARGE = network(Dense(units=2, name="large"), shape=(2**26,))


@pytest.mark.parametrize(("free", "copies"), [(2**29 + 8, 1), (2**31 + 32, 4)])
def test_weights_may_fill_the_memory(
    free: int, copies: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netspec.numerics.initial.free_memory", lambda: free)

    check_memory(LARGE, copies)


@pytest.mark.parametrize(
    ("free", "copies", "message"),
    [
        (2**29 + 7, 1, "needs 0.5 GiB for its weights, and the memory has 0.5 GiB free"),
        (2**31, 4, "needs 4 times 0.5 GiB for its weights, and the memory has 2.0 GiB free"),
    ],
)
def test_weights_are_refused_beyond_the_memory(
    free: int, copies: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netspec.numerics.initial.free_memory", lambda: free)

    with pytest.raises(WeightsError) as caught:
        check_memory(LARGE, copies)

    assert caught.value.message == f"example {message}"


def test_weights_beyond_the_memory_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.numerics.initial.free_memory", lambda: 0)

    with pytest.raises(WeightsError):
        initial(SMALL, 0)


# Files.


def test_weights_come_back_as_they_were(tmp_path: Path) -> None:
    weights = initial(SMALL, 3)

    assert_same(load(write_file(tmp_path, to_bytes(SMALL, weights)), SMALL), weights)


def test_equal_weights_are_equal_bytes() -> None:
    weights = initial(SMALL, 3)
    reversed_copy = {key: weights[key].copy() for key in reversed(weights)}

    files = {to_bytes(SMALL, values) for values in [weights, reversed_copy] * 10}

    assert len(files) == 1


def test_files_of_other_initializers_are_read(tmp_path: Path) -> None:
    layer = Dense(units=2, kernel_initializer=HeNormal())
    path = write_file(tmp_path, to_bytes(network(layer), initial(network(layer), 0)))

    assert_same(load(path, network(Dense(units=2))), initial(network(layer), 0))


@pytest.mark.parametrize("length", range(1, 9))  # of the name, and so of the header
def test_the_tensors_of_a_file_are_aligned(length: int) -> None:
    graph = network(Dense(units=1, name=length * "d"))
    content = to_bytes(graph, initial(graph, 0))

    assert int.from_bytes(content[:8], "little") % 8 == 0


@pytest.mark.parametrize(
    ("graph", "difference"),
    [
        (
            network(CONV, shape=(9, 8, 3)),
            "its input input is [9, 8, 3], and the spec's [8, 8, 3]",
        ),
        (
            network(CONV, MaxPooling2D(), Flatten(), Dense(units=2)),
            "it has the layer max_pooling2d (MaxPooling2D) where the spec has "
            "batch_normalization (BatchNormalization)",
        ),
        (
            network(CONV.model_copy(update={"name": "stem"})),
            "it has the layer stem (Conv2D) where the spec has conv (Conv2D)",
        ),
        (
            network(CONV.model_copy(update={"filters": 5})),
            "conv has filters 5 in it, and 4 in the spec",
        ),
        (
            network(CONV, BatchNormalization(epsilon=0.1), Flatten(), Dense(units=3)),
            "batch_normalization has epsilon 0.1 in it, and 0.001 in the spec",
        ),
        (network(CONV, BatchNormalization()), "it has 2 layers, and the spec 4"),
        (
            network(CONV, BatchNormalization(), Flatten(), Dense(units=2), Dense(units=2)),
            "it has 5 layers, and the spec 4",
        ),
        (
            network(CONV, BatchNormalization(), Flatten(inputs="conv"), Dense(units=2)),
            "flatten reads conv in it, and batch_normalization here",
        ),
        (
            network(CONV, BatchNormalization(), Flatten(), Dense(units=2), outputs=("flatten",)),
            "its outputs are flatten, and the spec has dense",
        ),
    ],
    ids=["input", "layer", "name", "field", "first of two", "fewer", "more", "reads", "outputs"],
)
def test_another_graphs_file_shows_the_first_difference(
    graph: Graph, difference: str, tmp_path: Path
) -> None:
    path = write_file(tmp_path, to_bytes(graph, initial(graph, 0)))

    assert refusal(path).message == f"{path} belongs to another graph: {difference}"


@pytest.mark.parametrize(
    "structure",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"input": [8, 8, 3], "layers": 3}',
        '{"input": [8, 8, 3], "layers": [[]]}',
        '{"input": [8, 8, 3], "layers": [["conv", "Conv2D", ["input"], 3]]}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:60],
)
def test_a_damaged_structure_is_refused(structure: str, tmp_path: Path) -> None:
    metadata = {"format": "netspec-weights-1", "graph": "0" * 64, "structure": structure}
    path = write_file(tmp_path, save(dict(initial(SMALL, 0)), metadata))

    assert (
        refusal(path).message == f"{path} belongs to another graph: its metadata do not show which"
    )


@pytest.mark.parametrize("size", [0, 4, 100, 900, -1])
def test_a_truncated_file_is_refused(size: int, tmp_path: Path) -> None:
    path = write_file(tmp_path, to_bytes(SMALL, initial(SMALL, 0))[:size])

    assert refusal(path).message.startswith(f"{path} cannot be read as safetensors")


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    path = write_file(tmp_path, pickle.dumps(Bomb(tmp_path / "run")))

    assert refusal(path).message.startswith(f"{path} cannot be read as safetensors")
    assert not (tmp_path / "run").exists()


class Bomb:
    """An object whose unpickling creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize(
    ("metadata", "description"),
    [
        (None, "another program's safetensors"),
        ({"format": "pt"}, "pt"),
        ({"format": "netspec-weights-2"}, "netspec-weights-2"),
    ],
    ids=["without metadata", "PyTorch", "later version"],
)
def test_a_file_of_another_program_is_refused(
    metadata: dict[str, str] | None, description: str, tmp_path: Path
) -> None:
    path = write_file(tmp_path, save(dict(initial(SMALL, 0)), metadata))

    assert refusal(path).message == f"{path} is {description}, not netspec-weights-1"


def test_a_type_that_numpy_lacks_is_refused(tmp_path: Path) -> None:
    header = b'{"dense.bias":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    path = write_file(tmp_path, len(header).to_bytes(8, "little") + header + bytes(4))

    assert refusal(path).message == (
        f"{path} cannot be read as safetensors: NumPy has no type BF16"
    )


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent").message == f"there is no file {tmp_path / 'absent'}"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path).message.startswith(f"{tmp_path} cannot be read as safetensors")


def test_a_file_without_a_weight_is_refused(tmp_path: Path) -> None:
    weights = initial(SMALL, 0)
    del weights["dense.bias"]

    assert refusal(forge_file(tmp_path, weights)).message.endswith(
        ": there is no weight dense.bias"
    )


def test_a_file_with_an_extra_weight_is_refused(tmp_path: Path) -> None:
    weights = initial(SMALL, 0) | {"dense.other": np.zeros(1, np.float32)}

    assert refusal(forge_file(tmp_path, weights)).message.endswith(
        ": dense.other is not a weight of the network"
    )


def test_a_weight_of_another_shape_is_refused(tmp_path: Path) -> None:
    weights = initial(SMALL, 0) | {"dense.bias": np.zeros(3, np.float32)}

    assert refusal(forge_file(tmp_path, weights)).message.endswith(
        ": dense.bias has the shape (3,), not (output 2)"
    )


@pytest.mark.parametrize("kind", [np.float64, np.float16, np.int32])
def test_a_weight_of_another_type_is_refused(kind: Any, tmp_path: Path) -> None:
    weights: dict[str, Any] = initial(SMALL, 0) | {"dense.bias": np.zeros(2, kind)}

    assert refusal(forge_file(tmp_path, weights)).message.endswith(
        f": dense.bias is {np.dtype(kind)}, not float32"
    )


def test_weights_of_another_graph_are_not_written() -> None:
    with pytest.raises(WeightsError, match=r"there is no weight conv\.kernel"):
        to_bytes(SMALL, {})


def test_initial_weights_belong_to_their_graph() -> None:
    check(SMALL, initial(SMALL, 0), "the model")


def test_metadata_contain_the_format_and_graph(tmp_path: Path) -> None:
    _, metadata = read_safetensors(write_file(tmp_path, to_bytes(SMALL, initial(SMALL, 0))))

    assert metadata == {
        "format": "netspec-weights-1",
        "graph": SMALL.hash,
        "structure": json.dumps(SMALL.structure, sort_keys=True),
    }


def draw_values(initializer: Initializer, shape: tuple[int, ...]) -> NDArray[np.float32]:
    axes = elements(*map(str, range(len(shape))))  # the axes of a kernel
    return draw(resolve(initializer, fans(axes, shape)), shape, generator(0, "test"))


def write_file(folder: Path, content: bytes) -> Path:
    path = folder / "weights.safetensors"
    path.write_bytes(content)
    return path


def forge_file(folder: Path, weights: dict[str, Any]) -> Path:
    """A file with the metadata of the graph and other weights."""
    metadata = {
        "format": "netspec-weights-1",
        "graph": SMALL.hash,
        "structure": json.dumps(SMALL.structure, sort_keys=True),
    }
    return write_file(folder, save(weights, metadata))


def refusal(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        load(path, SMALL)
    return caught.value


def assert_same(
    first: dict[str, NDArray[np.float32]], second: dict[str, NDArray[np.float32]]
) -> None:
    assert first.keys() == second.keys()
    for key, value in first.items():
        np.testing.assert_array_equal(value, second[key], err_msg=key)

"""Indices of an Embedding are whole numbers, in range and never scaled, anywhere in the graph."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.checks.indices import index_inputs
from netspec.data import Dataset, load
from netspec.data.indices import check_indices, computed
from netspec.language.layers import LAYERS
from netspec.network import loads
from netspec.text.diagnostics import DataError, SpecError
from netspec_numpy.interpreter import compute

EMBEDDING = "Embedding: {input_dim: 5, output_dim: 2, name: words}"


def spec(layers: list[str], shape: str = "[4]", data: str = "") -> str:
    lines = "\n".join(f"  - {layer}" for layer in [*layers, "Flatten: {name: last}"])
    return f"""\
netspec: 1
name: tested
input: {shape}
layers:
{lines}
  - Dense: {{units: 1}}
data: {{dataset: npz, path: data.npz{data}}}
train: {{loss: mean_squared_error}}
"""


def load_dataset(folder: Path, text: str, **inputs: Any) -> Dataset:
    """The data set of a spec with these arrays as training inputs and as test inputs."""
    x = {name: np.asarray(array) for name, array in inputs.items()}
    count = len(next(iter(x.values())))
    arrays = {f"{part}{name}": array for name, array in x.items() for part in ("x_train", "x_test")}
    y = {"y_train": np.arange(count), "y_test": np.arange(count)}
    np.savez(folder / "data.npz", **(arrays | y))  # pyright: ignore[reportArgumentType]  # no allow_pickle
    return load(loads(text, folder))


THROUGH = {
    "nothing": ([], "[4]"),
    "Reshape": (["Reshape: {target_shape: [2, 2]}"], "[4]"),
    "Flatten": (["Flatten"], "[2, 2]"),
    "Identity": (["Identity"], "[4]"),
    "Permute": (["Permute: {dims: [2, 1]}"], "[2, 2]"),
    "RepeatVector": (["RepeatVector: {n: 3}"], "[4]"),
    "Concatenate": (["Flatten: {name: a}", "Concatenate: {inputs: [input, a]}"], "[4]"),
    "ZeroPadding1D": (["ZeroPadding1D: {padding: 1}"], "[2, 2]"),
    "Cropping1D": (["Cropping1D: {cropping: [0, 1]}"], "[2, 2]"),
    "UpSampling2D": (["UpSampling2D"], "[2, 2, 1]"),
    "Maximum": (["Flatten: {name: a}", "Maximum: {inputs: [input, a]}"], "[4]"),
    "TimeDistributed": (["TimeDistributed: {layer: Flatten}"], "[1, 2, 2]"),
    "several": (["Reshape: {target_shape: [2, 2]}", "Permute: {dims: [2, 1]}", "Flatten"], "[4]"),
}


@pytest.mark.parametrize("through", THROUGH)
@pytest.mark.parametrize(
    ("index", "message"),
    [
        (5, "the train data hold the index 5, and words has 5"),
        (-1, "the train data hold the index -1, and words has 5"),
        (1.5, "the train data hold the index 1.5, and words looks up whole numbers"),
    ],
)
def test_a_wrong_index_is_an_error_everywhere(
    through: str, index: float, message: str, tmp_path: Path
) -> None:
    layers, shape = THROUGH[through]
    network = spec([*layers, EMBEDDING], shape)
    x = np.array([[0, 1, 2, 3]]).reshape(1, *loads(network).graph.input_shape)
    assert load_dataset(tmp_path, network, **{"": x})

    wrong = np.where(x == 1, index, x)
    with pytest.raises(DataError) as caught:
        load_dataset(tmp_path, network, **{"": wrong})

    assert caught.value.message == message
    assert caught.value.help


def test_only_indices_of_embeddings_are_checked(tmp_path: Path) -> None:
    """A table whose first column is an index, and whose other columns are measurements."""
    layers = [
        "Reshape: {target_shape: [4, 1], name: column}",
        "Cropping1D: {cropping: [0, 3]}",
        EMBEDDING,
        "Flatten: {name: vector}",
        "Concatenate: {inputs: [vector, input]}",
    ]

    assert load_dataset(tmp_path, spec(layers), **{"": [[4, 0.5, 700, -3]]})
    with pytest.raises(DataError, match=r"index 4\.5"):
        load_dataset(tmp_path, spec(layers), **{"": [[4.5, 0.5, 700, -3]]})


def test_index_is_computed_where_a_layer_changes_it(tmp_path: Path) -> None:
    layers = ["Rescaling: {scale: 1, offset: -1}", EMBEDDING]

    assert load_dataset(tmp_path, spec(layers), **{"": [[1, 2, 3, 5]]})
    with pytest.raises(DataError, match="index -1"):
        load_dataset(tmp_path, spec(layers), **{"": [[0, 2, 3, 5]]})


def test_indices_are_never_scaled(tmp_path: Path) -> None:
    network = spec(["Reshape: {target_shape: [2, 2]}", EMBEDDING], data=", scale: 255")

    dataset = load_dataset(tmp_path, network, **{"": [[0, 1, 2, 4]]})

    np.testing.assert_array_equal(dataset.train.values()[0], [[0, 1, 2, 4]])


def test_other_inputs_are_scaled_beside_indices(tmp_path: Path) -> None:
    layers = [
        EMBEDDING.replace("words", "words, inputs: ids"),
        "Flatten: {name: vector}",
        "Concatenate: {inputs: [vector, pixels]}",
    ]
    network = spec(layers, "{ids: [2], pixels: [2]}", ", scale: 4")

    dataset = load_dataset(tmp_path, network, _ids=[[0, 4]], _pixels=[[1, 2]])

    ids, pixels = dataset.test.values()
    np.testing.assert_array_equal(ids, [[0, 4]])
    np.testing.assert_array_equal(pixels, [[0.25, 0.5]])
    assert loads(network).scales == {"ids": 1, "pixels": 4}
    assert index_inputs(loads(network).graph) == {"ids"}


@pytest.mark.parametrize(
    "layer",
    ["Dense: {units: 4}", "Activation: {activation: sigmoid}", "Dropout: {rate: 0.5}"],
)
def test_embedding_of_computed_values_is_a_fault(layer: str) -> None:
    text = spec([layer, "Reshape: {target_shape: [2, 2]}", EMBEDDING])

    with pytest.raises(SpecError) as caught:
        loads(text)

    (diagnostic,) = caught.value.diagnostics
    assert re.match("words looks up indices, and reads what .* computes", diagnostic.message)
    assert diagnostic.place.line == text.splitlines().index(f"  - {EMBEDDING}") + 1


def test_layers_that_keep_indices_have_a_rule() -> None:
    keeping = {tag: layer for tag, layer in LAYERS.items() if layer.keeps_whole}
    computed_by = {tag: computed.dispatch(layer) for tag, layer in keeping.items()}
    assert computed.dispatch(object) not in computed_by.values()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("Reshape: {target_shape: [2, -1]}", (3, 4)),
        ("Permute: {dims: [2, 1]}", (3, 4)),
        ("RepeatVector: {n: 3}", (4,)),
        ("ZeroPadding2D: {padding: [[1, 2], [0, 3]]}", (2, 3, 1)),
        ("Cropping2D: {cropping: [[1, 0], [1, 2]]}", (4, 5, 2)),
        ("UpSampling2D: {size: [2, 3]}", (2, 3, 1)),
        ("Concatenate: {axis: 1, inputs: [input, input]}", (2, 3)),
        ("Rescaling: {scale: [2, 3], offset: [1, -1]}", (2, 2)),
        ("Subtract: {inputs: [input, input]}", (3,)),
    ],
)
def test_indices_are_computed_as_by_the_definition(layer: str, shape: tuple[int, ...]) -> None:
    """The definition is the interpreter of the tests (tests/interpreter)."""
    network = loads(spec([layer], str([*shape]))).graph
    node = network.nodes[0]
    x = np.arange(2 * np.prod(shape), dtype=np.float32).reshape(2, *shape)
    inputs = [x] * len(node.inputs)

    expected = compute(node.layer, {}, False, *inputs)
    np.testing.assert_array_equal(computed(node.layer, *inputs), expected)


def test_indices_of_arrays_are_checked() -> None:
    graph = loads(spec([EMBEDDING])).graph

    check_indices(graph, [np.zeros((3, 4), np.float32)], "images")
    with pytest.raises(DataError, match="the images hold the index 9"):
        check_indices(graph, [np.full((3, 4), 9, np.float32)], "images")

"""Files that take the columns of a table compute what the preparation of a run computes."""

from __future__ import annotations

import os

import numpy as np
import pytest

if "CI" not in os.environ:  # there both are always installed, and their absence is a failure
    pytest.importorskip("onnx.helper")
    pytest.importorskip("onnxruntime")

import onnx
import onnxruntime

from netspec.backend import Target, find_exporting
from netspec.data.preparation import CategoryColumn, NumberColumn, Preparation, TimeColumn
from netspec.data.record import DataRecord
from netspec.network import Network, loads
from netspec.numerics.initial import initial
from netspec.runs import export
from netspec.text.diagnostics import BackendError
from netspec_onnx import session
from netspec_onnx.columns import lower_column
from netspec_onnx.model import OLDEST_OPSET

SIZE = NumberColumn(name="size", mean=2.5, deviation=0.7)
COLOUR = CategoryColumn(name="colour", vocabulary=("", "blue", "rød", "赤"))
ROWS = {
    "size": np.array([1.0, np.nan, -0.0, 1e30, -1e-30, 2.5]),
    "colour": np.array(["blue", "rød", "", "pink", "赤", "Blue"], object),
}
EXPECTED = np.array(
    [
        [-1.5 / 0.7, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 1, 0],
        [-2.5 / 0.7, 0, 1, 0, 0, 0],
        [1e30 / 0.7, 1, 0, 0, 0, 0],
        [-2.5 / 0.7, 0, 0, 0, 0, 1],
        [0, 1, 0, 0, 0, 0],
    ],
    np.float32,
)


def mirror(width: int, input: str = "", name: str = "mirror") -> Network:
    """A network whose outputs are its inputs."""
    return loads(
        f"netspec: 1\nname: {name}\ninput: {input or [width]}\n"
        f"layers: [Flatten, Dense: {{units: {width}, kernel_initializer: identity}}]\n"
    )


def record_of(*columns) -> DataRecord:
    return DataRecord(dataset="npz", arrays={}, preparation=Preparation(inputs={"x": columns}))


def target() -> Target:
    return find_exporting("onnx")


def exported(*columns, network: Network | None = None, **options) -> bytes:
    network = network or mirror(sum(column.width for column in columns))
    weights = initial(network.graph, 0)
    return target().export(network, weights, record=record_of(*columns), **options)


def session_of(content: bytes):
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def content() -> bytes:
    return exported(SIZE, COLOUR)


@pytest.mark.parametrize("opset", [OLDEST_OPSET, None, onnx.defs.onnx_opset_version()])
def test_onnxruntime_predicts_from_the_columns(opset):
    (output,) = session_of(exported(SIZE, COLOUR, opset=opset)).run(None, ROWS)
    np.testing.assert_array_equal(output, EXPECTED)


def test_inputs_are_columns_with_one_axis(content):
    shown = [
        (tensor.name, tensor.type, tensor.shape) for tensor in session_of(content).get_inputs()
    ]
    assert shown == [
        ("size", "tensor(double)", ["batch"]),
        ("colour", "tensor(string)", ["batch"]),
    ]


def test_numbers_are_computed_as_in_the_preparation():
    values = np.random.default_rng(0).normal(1e4, 3, 10_000)
    column = NumberColumn.learned("n", values)
    (output,) = session_of(exported(column)).run(None, {"n": values})
    np.testing.assert_array_equal(output, column.apply(values))


@pytest.mark.parametrize("daily", [False, True])
def test_times_are_computed_as_in_the_preparation(daily):
    column = TimeColumn(name="t", mean=1.7e9, deviation=3e7, daily=daily)
    random = np.random.default_rng(0).uniform(-1e10, 1e10, 10_000)
    values = np.concatenate([column.probes(), random, np.arange(-9, 9) * 86_400.0])
    (output,) = session_of(exported(column)).run(None, {"t": values})
    np.testing.assert_allclose(output, column.apply(values), rtol=1e-6, atol=1e-6)


def test_categories_are_found_among_ten_thousand():
    texts = [f"category {number}" for number in range(10_000)]
    column = CategoryColumn.learned("c", texts)
    model = target().open(exported(column, network=mirror_of_places(column.width)), "cpu")
    chosen = [texts[3], "unknown", texts[9_999]]
    (output,) = model.outputs_of_columns({"c": np.array(chosen, object)})
    places = [1 + column.vocabulary.index(texts[3]), 0, 1 + column.vocabulary.index(texts[9_999])]
    assert model.prepared({"c": np.array(chosen, object)})[0].argmax(-1).tolist() == places
    assert output.shape == (3, 2)


def mirror_of_places(width: int) -> Network:
    return loads(f"netspec: 1\nname: narrow\ninput: [{width}]\nlayers: [Dense: {{units: 2}}]\n")


def test_opened_file_predicts_from_prepared_inputs(content):
    model = target().open(content, "cpu")
    assert (model.columns, model.input_shapes) == (("size", "colour"), ((6,),))
    np.testing.assert_array_equal(model.predict(EXPECTED), EXPECTED)
    np.testing.assert_array_equal(model.prepared(ROWS)[0], EXPECTED)
    np.testing.assert_array_equal(model.outputs_of_columns(ROWS)[0], EXPECTED)


def test_large_tables_are_computed_in_parts(content):
    rows = {name: np.tile(values, 500) for name, values in ROWS.items()}
    (output,) = target().open(content, "cpu").outputs_of_columns(rows)
    np.testing.assert_array_equal(output, np.tile(EXPECTED, (500, 1)))


NAMES = [
    "input",
    "output",
    "dense",
    "dense.kernel",
    "flatten",
    "prepare:0",
    "two words",
    "größe ≥ 3",
]


@pytest.mark.parametrize("quantize", [None, "fp16", "int8"])
def test_columns_may_have_any_names(quantize):
    columns = [NumberColumn(name=name, mean=0, deviation=1) for name in NAMES]
    content = exported(*columns)
    values = np.eye(len(NAMES))
    if quantize:
        content = target().quantize(content, quantize, [values.astype(np.float32)])
    opened = session_of(content)
    assert [tensor.name for tensor in opened.get_inputs()] == NAMES
    (output,) = opened.run(None, dict(zip(NAMES, values.T, strict=True)))
    np.testing.assert_allclose(output, values, atol=0.02)


@pytest.mark.parametrize("quantize", ["fp16", "int8"])
def test_smaller_files_prepare_in_float64(content, quantize):
    smaller = target().quantize(content, quantize, [EXPECTED.clip(-1, 1)])
    model = target().open(smaller, "cpu")
    np.testing.assert_array_equal(model.prepared(ROWS)[0], EXPECTED)
    assert {tensor.type for tensor in session_of(smaller).get_inputs()} == {
        "tensor(double)",
        "tensor(string)",
    }


def test_several_inputs_share_columns():
    network = loads(
        "netspec: 1\nname: two\ninput: {a: [1], b: [6, 1]}\n"
        "layers:\n  - Flatten: {inputs: [b]}\n  - Concatenate: {inputs: [a, flatten]}\n"
    )
    inputs = {"x_a": (SIZE,), "x_b": (SIZE, COLOUR)}
    record = DataRecord(dataset="npz", arrays={}, preparation=Preparation(inputs=inputs))
    content = target().export(network, {}, record=record)
    (output,) = session_of(content).run(None, ROWS)
    np.testing.assert_array_equal(output, np.hstack([EXPECTED[:, :1], EXPECTED]))


def test_a_column_without_categories_has_only_unknown_ones():
    column = CategoryColumn(name="c", vocabulary=())
    (output,) = session_of(exported(column)).run(None, {"c": np.array(["a", ""], object)})
    assert output.tolist() == [[1], [1]]


def test_every_kind_of_column_is_lowered():
    from netspec.data import preparation

    kinds = preparation.PreparedColumn.__origin__.__args__
    assert set(kinds) <= set(lower_column.registry)


def test_the_same_arguments_make_the_same_file(content):
    assert exported(SIZE, COLOUR) == content


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ((SIZE,), {"raw_input": True}, "raw input is pixels"),
        ((SIZE.model_copy(update={"name": ""}),), {}, "a column of the table has no name"),
        (
            (SIZE, COLOUR.model_copy(update={"name": "size"})),
            {},
            "the column size has two types",
        ),
    ],
)
def test_what_a_file_cannot_contain_is_refused(columns, options, message):
    with pytest.raises(BackendError, match=message):
        exported(*columns, **options)


def test_an_export_compares_the_preparation(content):
    model, network = target().open(content, "cpu"), mirror(6)
    preparation = record_of(SIZE, COLOUR).preparation
    export._check_preparation(model, preparation, network)
    other = SIZE.model_copy(update={"mean": 2.50001})
    with pytest.raises(BackendError, match="the ONNX preparation of a table differs"):
        export._check_preparation(model, record_of(other, COLOUR).preparation, network)


def test_only_required_session_is_opened(content, monkeypatch):
    opened: list[object] = []
    open_session = session._session
    monkeypatch.setattr(
        session, "_session", lambda *some: opened.append(some) or open_session(*some)
    )
    target().open(content, "cpu").predict(EXPECTED)
    assert len(opened) == 1


def test_texts_are_read_only_from_inputs(content):
    model = onnx.load_model_from_string(content)
    model.graph.input[1].name = "other"
    with pytest.raises(BackendError, match="the model has the operator LabelEncoder"):
        session.OnnxPredictor(model.SerializeToString(), "cpu")

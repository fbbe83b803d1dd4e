"""Networks whose outputs are the prepared columns of a table, as ONNX files."""

from __future__ import annotations

from pathlib import Path

from frameworks import require
from netspec.backend import find_exporting
from netspec.data.preparation import CategoryColumn, NumberColumn, Preparation
from netspec.data.record import DataRecord
from netspec.network import loads
from netspec.numerics.initial import initial

COLUMNS = (
    NumberColumn(name="size", mean=2, deviation=0.5),
    CategoryColumn(name="code", vocabulary=("00123", "123")),
)
MIRROR = """\
netspec: 1
name: mirror
input: [4]
layers: [Dense: {{units: {units}, kernel_initializer: identity{activation}}}]
data: {{dataset: table, path: none.csv, target: {target}}}
train: {{loss: {loss}}}
"""


def exported(folder: Path, text: str, columns=COLUMNS, names=None) -> Path:
    require("onnx")
    network = loads(text)
    record = DataRecord(
        dataset="table",
        arrays={},
        class_names=names,
        preparation=Preparation(inputs={"x": columns}),
    )
    content = find_exporting("onnx").export(
        network, initial(network.graph, 0), opset=None, raw_input=False, record=record
    )
    path = folder / "mirror.onnx"
    path.write_bytes(content)
    return path

"""An exported file, opened, with the network that its metadata describes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netspec.backend import Device, ExportedModel, find_exporting
from netspec.data.record import DataRecord, parse_record
from netspec.network import Network, loads
from netspec.runs.folder import Run
from netspec.text.diagnostics import BackendError, NetspecError, RunError
from netspec.text.files import open_regular

SUFFIX = ".onnx"
MAX_BYTES = (1 << 31) - 1
"""The limit of protobuf, in which ONNX files are written."""


@dataclass(frozen=True)
class ExportedFile:
    """The bytes of a file, the model in it, and the network that it was exported from.

    `record` describes the data that it was trained on, as far as the file contains that.
    """

    content: bytes
    model: ExportedModel
    network: Network
    record: DataRecord | None


def is_exported(path: Path) -> bool:
    """Whether a path names an exported file and not a run or a spec."""
    return path.suffix.lower() == SUFFIX and not path.is_dir()


def read_content(path: Path) -> bytes:
    """The bytes of a file. Raises RunError where it cannot be read, or is too large for ONNX."""
    try:
        with open_regular(path) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise RunError(message, "name a run or an ONNX file") from None
    if len(content) > MAX_BYTES:
        message = f"{path} is larger than {MAX_BYTES:,} bytes, the limit of an ONNX file"
        raise RunError(message, "name a file that `netspec export --onnx` wrote")
    return content


def open_exported(path: Path, device: Device) -> ExportedFile:
    """Open a file that netspec exported. Its data files are found from the folder of the file.

    Raises RunError where the file contains no spec, and BackendError where it cannot be opened.
    """
    content = read_content(path)
    try:
        model = find_exporting("onnx").open(content, device)
    except BackendError as error:
        raise BackendError(f"{path}: {error.message}", error.help) from None
    try:
        network = loads(model.metadata["netspec.spec"], path.parent)
    except (KeyError, NetspecError):
        message = f"{path} contains no spec that netspec can read"
        raise RunError(message, "name a file that `netspec export --onnx` wrote") from None
    inputs = tuple(input_.shape for input_ in network.graph.inputs)
    outputs = tuple(node.shape for node in network.graph.output_nodes)
    if (model.input_shapes, model.output_shapes) != (inputs, outputs):
        message = f"{path} has other inputs or outputs than the spec in it"
        raise RunError(message, "export the run again")
    record = parse_record(model.metadata.get("netspec.data", ""))
    return ExportedFile(content, model, network, record)


def remarks_about(run: Run) -> Iterator[str]:
    """What a user would not expect of a run's folder, and of the int8 files in it."""
    yield from run.remarks
    for path in sorted(run.path.glob(f"*int8*{SUFFIX}")):
        try:
            remarks = find_exporting("onnx").open(read_content(path), "cpu").remarks
        except NetspecError:
            continue  # another command reports a file that cannot be opened
        yield from (f"{path}: {remark}" for remark in remarks)

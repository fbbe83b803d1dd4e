"""A run or an exported file, opened by ONNX Runtime, with what is known of its data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from netspec.backend import Device, ExportedModel, find_exporting
from netspec.data.preparation import Preparation
from netspec.data.record import DataRecord
from netspec.data.sources.series import Series
from netspec.network import Network
from netspec.runs.exported import open_exported
from netspec.runs.folder import Run
from netspec.runs.meaning import Meaning, meanings_of
from netspec.text.diagnostics import RunError


@dataclass(frozen=True)
class OpenedModel:
    """A model, the network and the record of its data. `notes` are unexpected facts."""

    path: Path
    session: ExportedModel
    network: Network
    record: DataRecord | None
    notes: tuple[str, ...]

    @property
    def preparation(self) -> Preparation | None:
        """How the columns of a table become its inputs; None for a model that takes arrays."""
        return self.record.preparation if self.record and self.session.columns else None

    @property
    def series(self) -> Series | None:
        """The series whose windows of rows it takes; None for another model."""
        data = self.network.spec.data
        return data if self.preparation and isinstance(data, Series) else None

    @cached_property
    def meanings(self) -> tuple[Meaning, ...]:
        """What every output means. Raises RunError where the names of classes do not fit."""
        return meanings_of(self.network, self.record.class_names if self.record else None)


def open_model(model: Run | Path, device: Device) -> OpenedModel:
    """Open a run, or a file that netspec exported. Raises NetspecError."""
    if isinstance(model, Path):
        file = open_exported(model, device)
        opened = OpenedModel(model, file.model, file.network, file.record, file.model.remarks)
    else:
        network, record = model.network, model.about.data
        content = find_exporting("onnx").export(
            network, model.weights(), opset=None, raw_input=False, record=record
        )
        session = find_exporting("onnx").open(content, device)
        opened = OpenedModel(model.path, session, network, record, model.remarks)
    preparation = opened.preparation
    known = {column.name for column in preparation.columns} if preparation else set[str]()
    if known != set(opened.session.columns):
        message = f"{opened.path} takes other columns than the record of its data has"
        raise RunError(message, "export the run again")
    return opened

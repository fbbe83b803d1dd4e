"""How fast every form of a network predicts on this machine: one table, and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from netspec.backend import Device
from netspec.bench import forms
from netspec.bench.forms import Named
from netspec.bench.machine import machine, versions
from netspec.bench.measure import ROUNDS, Progress, Row, measure
from netspec.bench.subject import Subject
from netspec.data.examples import noun_of
from netspec.passes import switched_on
from netspec.text.diagnostics import NetspecError

MAX_BATCH = 65_536
MAX_SECONDS = 3600.0


@dataclass(frozen=True)
class Settings:
    """The options: the batch sizes, the forms, the seconds of a measurement, the device."""

    batch_sizes: tuple[int, ...]
    forms: tuple[Named, ...]
    seconds: float
    device: Device


@dataclass(frozen=True)
class Bench:
    """The measurements, with the network, the settings and the machine."""

    network: str
    passes: tuple[str, ...]
    origin: str
    settings: Settings
    rows: tuple[Row, ...]
    left_out: tuple[str, ...]
    machine: dict[str, Any]  # Any: JSON data
    versions: dict[str, str | None]
    remarks: tuple[str, ...] = ()
    noun: str = "examples"
    """What the examples are."""

    @property
    def title(self) -> str:
        """The network and the machine, in one line."""
        cores = self.machine["cores"]
        devices = dict.fromkeys(row.device for row in self.rows if "cuda" in row.device)
        on = ", ".join(
            [f"{self.machine['cpu']}, {cores} core{'s' if cores != 1 else ''}", *devices]
        )
        return f"{self.network} on {on}"

    def to_json(self) -> dict[str, Any]:
        """The same as JSON data; times in seconds, memory in bytes."""
        settings = {
            "batch_sizes": list(self.settings.batch_sizes),
            "forms": [form.name for form in self.settings.forms],
            "seconds": self.settings.seconds,
            "rounds": ROUNDS,
            "device": self.settings.device,
            "passes": list(self.passes),
        }
        return {
            "network": self.network,
            "of": self.origin,
            "settings": settings,
            "machine": self.machine,
            "versions": self.versions,
            "left_out": list(self.left_out),
            "remarks": list(self.remarks),
            "rows": [_row_json(row) for row in self.rows],
        }


def _row_json(row: Row) -> dict[str, Any]:
    about = {"batch_size": row.batch_size, "form": row.form.name, "title": row.form.title}
    about |= {"device": row.device}
    if isinstance(row.result, str):
        return about | {"fault": row.result}
    figures = row.result
    return about | {
        "images_per_second": figures.images_per_second,
        "latency_p50": figures.latency(50),
        "latency_p99": figures.latency(99),
        "calls": len(figures.seconds),
        "peak_memory": figures.peak,
        "difference": figures.difference if isfinite(figures.difference) else None,
    }


def batch_sizes(text: str) -> tuple[int, ...]:
    """The sizes in a list such as `1,32,256`, sorted. Raises NetspecError."""
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if not (word.isascii() and word.isdigit() and len(word) < 9 and 0 < int(word) <= MAX_BATCH):
            message = f"--batch-sizes {text}: {word!r} is no batch size"
            raise NetspecError(message, f"write whole numbers from 1 to {MAX_BATCH:,}, as in 1,32")
    return tuple(sorted({int(word) for word in words}))


def chosen_forms(text: str | None) -> tuple[tuple[Named, ...], tuple[str, ...]]:
    """The forms in a list such as `keras,onnx`, and lines about others; see `forms.chosen`."""
    names = None if text is None else [word.strip() for word in text.split(",")]
    available, lines = forms.chosen(names)
    return tuple(available), tuple(lines)


def seconds(value: float) -> float:
    """The seconds of a measurement, checked. Raises NetspecError."""
    if not 0 < value <= MAX_SECONDS:
        message = f"--seconds {value:g} is no time for a measurement"
        raise NetspecError(message, f"write seconds, more than 0 and at most {MAX_SECONDS:g}")
    return value


def bench(
    subject: Subject, settings: Settings, left_out: Sequence[str], progress: Progress
) -> Bench:
    """Measure every chosen form."""
    hardware = machine()
    options = settings.seconds, settings.device
    rows = measure(subject, settings.forms, settings.batch_sizes, *options, progress)
    network = subject.network
    about = network.spec.name, switched_on(network), subject.origin
    of_machine = hardware, versions()
    facts = subject.remarks, noun_of(network.graph)
    return Bench(*about, settings, tuple(rows), tuple(left_out), *of_machine, *facts)

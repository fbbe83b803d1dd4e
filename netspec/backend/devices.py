"""The names of devices, as `--device` takes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from netspec.text.diagnostics import BackendError, nearest

Kind = Literal["auto", "cpu", "cuda", "tensorrt"]

KINDS: tuple[Kind, ...] = ("auto", "cpu", "cuda", "tensorrt")

NAMES = "auto, cpu, cuda, cuda:N for one of several GPUs, or tensorrt"
"""The names, as a sentence lists them."""


@dataclass(frozen=True)
class DeviceName:
    """A device that the user names: its kind, and which GPU of several."""

    kind: Kind
    index: int = 0


def parse_device(text: str) -> DeviceName:
    """Read the name of a device, such as cuda:1. Raises BackendError where it is not one."""
    if gpu := re.fullmatch(r"cuda:(\d{1,3})", text):
        return DeviceName("cuda", int(gpu[1]))
    if text in KINDS:
        return DeviceName(text)
    close = nearest(text, KINDS)
    help = f"did you mean {close}?" if close else f"the devices are {NAMES}"
    raise BackendError(f"there is no device named {text!r}", help)


def absent_gpu(framework: str, index: int, count: int) -> BackendError:
    """The error of a GPU that is not there, which names the devices that are."""
    present = ["cpu", *(f"cuda:{number}" for number in range(count))]
    return BackendError(f"{framework} sees no cuda:{index}", f"use one of {', '.join(present)}")


def unknown_tensorrt(backend: str) -> BackendError:
    """The error of a backend that does not run on TensorRT."""
    help = "use auto, cpu, cuda or cuda:N; tensorrt runs ONNX files"
    return BackendError(f"the {backend} backend does not run on tensorrt", help)

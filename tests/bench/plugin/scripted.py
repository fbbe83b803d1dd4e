"""Backends of another package whose forms predict, differ, fail, or end their process.

They are installed as a folder on Python's path, so that the process of a form also finds them.
"""

from __future__ import annotations

import os
import signal
import sys

from netspec.backend import Device, Form, Framework, Program
from netspec.numerics.weights import Array
from netspec.passes import Pass
from netspec.text.diagnostics import BackendError

FAULTY_BATCH = 2


def exact(*inputs: Array) -> tuple[Array, ...]:
    print("a line of a framework on stdout")  # it is not a response
    return (sum(array.reshape(len(array), -1).sum(-1) for array in inputs),)


def quarter_off(*inputs: Array) -> tuple[Array, ...]:
    return (exact(*inputs)[0] - 0.25,)


def faulty(*inputs: Array) -> tuple[Array, ...]:
    if len(inputs[0]) == FAULTY_BATCH:
        raise RuntimeError("no kernel\n  for this batch")
    return exact(*inputs)


def ending(*inputs: Array) -> tuple[Array, ...]:
    sys.stderr.write("out of\nluck\n")
    sys.stderr.flush()
    os._exit(3)


def killed(*inputs: Array) -> tuple[Array, ...]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


class Scripted:
    """See `netspec.backend.BenchedBackend`."""

    name = "scripted"
    frameworks: tuple[Framework, ...] = ()
    passes: tuple[Pass, ...] = ()
    forms = {
        "exact": "Exact",
        "off": "Quarter off",
        "faulty": "Faulty",
        "ending": "Ending",
        "killed": "Killed",
        "refusing": "Refusing",
    }

    def devices(self) -> tuple[str, ...]:
        return ("cpu",)

    def predictor(self, program: Program, device: Device):
        raise NotImplementedError

    def form(self, name: str, program: Program, device: Device, examples) -> Form:
        if name == "refusing":
            raise BackendError("there is no abacus in this machine", "buy one")
        outputs = {
            "exact": exact,
            "off": quarter_off,
            "faulty": faulty,
            "ending": ending,
            "killed": killed,
        }
        return Form(outputs[name], f"abacus on the requested device: {device}")


class Absent(Scripted):
    """A backend whose framework is not installed."""

    name = "absent"
    frameworks = (Framework("no_such_framework", ("no-such-framework",)),)
    forms = {"absent": "Absent"}


BACKEND = Scripted()
ABSENT = Absent()

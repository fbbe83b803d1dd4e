"""A form in a separate process, which answers requests. Requests and answers are lines of JSON.

`python -m netspec.bench.served` reads them from stdin, until that ends, and answers on stdout. The
first is `{"make": {…}}`, with the arguments of `Served`; then `{"warm": N}` takes up batches of N,
and `{"turn": SECONDS}` times calls.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

import numpy as np

from netspec.backend import Device
from netspec.bench import forms, subject
from netspec.bench.machine import peak_memory
from netspec.numerics.weights import Array
from netspec.runs.exported import open_exported
from netspec.runs.quantization import ScaledInputs
from netspec.text.diagnostics import NetspecError

EXAMPLES = 512
"""How many inputs, if there are as many, a form may take the ranges of its values from."""

WARM_CALLS = 3
"""Calls of a new batch size before any is timed: the first compiles, the others still plan."""

IDLE = 0.2
"""The part of a core that an idle process may use."""

PATIENCE = 0.5
"""Seconds that a process may take to become idle."""

MAX_REASON = 400
"""How many characters of an error are reported."""


class Served:
    """A form of the network in a folder, on a device."""

    def __init__(
        self, folder: str, form: str, device: Device, passes: list[str] | None = None
    ) -> None:
        self._folder, self._form = Path(folder), form
        if form == forms.FILE:
            file = open_exported(self._folder / subject.FILE, device)
            graph, model = file.network.graph, ScaledInputs(file.model)
            self._graph, self._outputs, self.device = graph, model.outputs, model.device
        else:
            network, weights = subject.read_network(self._folder, passes)
            examples = subject.read_inputs(network.graph, self._folder, EXAMPLES)
            compiled = forms.made(form).form(form, network, weights, device, examples)
            self._graph, self._outputs, self.device = (
                network.graph,
                compiled.outputs,
                compiled.device,
            )
        self._batch: tuple[Array, ...] = ()

    def warm(self, count: int) -> None:
        """Take up batches of a size, and leave the outputs for one in the folder."""
        self._batch = subject.read_inputs(self._graph, self._folder, count)
        outputs = self._outputs(*self._batch)
        np.savez(self._folder / subject.outputs_file(self._form, count), *outputs)
        for _ in range(WARM_CALLS - 1):
            self._outputs(*self._batch)

    def turn(self, seconds: float) -> list[float]:
        """The seconds of each call, of as many as begin within some seconds; at least one."""
        self._outputs(*self._batch)  # after the turns of others, the caches are cold
        durations: list[float] = []
        ends = perf_counter() + seconds
        while not durations or perf_counter() < ends:
            began = perf_counter()
            self._outputs(*self._batch)
            durations.append(perf_counter() - began)
        _rest()
        return durations


def _rest() -> None:
    """Wait for threads that spin when their work is done: they would slow the next form's turn."""
    patience = perf_counter() + PATIENCE
    while perf_counter() < patience:
        used, began = process_time(), perf_counter()
        sleep(0.02)
        if process_time() - used < IDLE * (perf_counter() - began):
            return


def serve(requests: Iterable[str]) -> Iterator[dict[str, Any]]:  # Any: JSON data
    """The answer to every request; a fault answers it too, and the next request is read."""
    served: Served | None = None
    for line in requests:
        request = json.loads(line)
        try:
            if "make" in request:
                served = Served(**request["make"])
                yield {"device": served.device}
                continue
            assert served is not None
            if "warm" in request:
                served.warm(request["warm"])
                yield {}
            else:
                yield {"seconds": served.turn(request["turn"]), "peak": peak_memory()}
        except Exception as error:  # noqa: BLE001 - whatever a framework raises is a row's reason
            yield {"fault": _reason(error)}


def _reason(error: Exception) -> str:
    text = error.message if isinstance(error, NetspecError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:MAX_REASON]


def main() -> None:
    """Serve requests. What frameworks print goes to stderr."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        for answer in serve(sys.stdin):
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()

"""Feeds the steps of a training: from examples on the device, or from a stream of their parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from netspec.data import Examples
from netspec.data.streaming import steps_of_stream, streamed
from netspec_torch.examples import Part, copied_later, placed, scales_of


class Feed(Protocol):
    """Where the batches come from."""

    def steps(self, batch_size: int, most: int) -> int:
        """How many steps are fed at once, at most `most`."""
        ...

    def parts(self, order: NDArray[np.int64], batch_size: int, steps: int) -> Iterator[Part]:
        """The examples in this order, the examples of `steps` steps at a time."""
        ...


def feed(examples: Examples, device: torch.device) -> Feed:
    """The examples on the device where they fit into it, else a stream of them."""
    if examples.streamed or examples.nbytes > _room(device):
        return _Stream(examples, device)
    return _Resident(examples, device)


def _room(device: torch.device) -> float:
    """The bytes that a GPU has for examples: half of its free memory."""
    if device.type != "cuda":
        return float("inf")
    free, _ = torch.cuda.mem_get_info(device)
    return free // 2


class _Resident:
    """Examples on the device, as they are stored."""

    def __init__(self, examples: Examples, device: torch.device) -> None:
        self._examples = placed(examples, device)
        self._device = device

    def steps(self, batch_size: int, most: int) -> int:  # noqa: ARG002 - it bounds nothing here
        return most

    def parts(self, order: NDArray[np.int64], batch_size: int, steps: int) -> Iterator[Part]:
        indices = torch.from_numpy(order).to(self._device)
        for chosen in indices.split(steps * batch_size):
            yield self._examples.chosen(chosen)


class _Stream:
    """Examples that come part by part; the next part is read while one is in use."""

    def __init__(self, examples: Examples, device: torch.device) -> None:
        self._examples = examples
        self._device = device
        self._copies = _Copies(examples, device) if device.type == "cuda" else None

    def steps(self, batch_size: int, most: int) -> int:
        return steps_of_stream(self._examples, batch_size, most)

    def parts(self, order: NDArray[np.int64], batch_size: int, steps: int) -> Iterator[Part]:
        size = steps * batch_size
        if self._copies is None:
            yield from streamed(self._examples, order, size, self._placed)
            return
        for part, copied in streamed(self._examples, order, size, self._copies.begin):
            torch.cuda.current_stream(self._device).wait_event(copied)
            yield part

    def _placed(self, examples: Examples) -> Part:
        return placed(examples, self._device)


class _Copies:
    """Copies to a GPU on a separate stream, which do not wait for the steps."""

    def __init__(self, examples: Examples, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        # Created once, because this waits for the GPU.
        self._scales = scales_of(examples, device)

    def begin(self, examples: Examples) -> tuple[Part, torch.cuda.Event]:
        """Begin to copy examples: the part, and the event at the end of the copy."""
        with torch.cuda.stream(self._stream):
            part = copied_later(examples, self._device, self._scales)
            copied = self._stream.record_event()
        # The steps read it on another stream, and its memory is not free before they are done.
        for tensor in part.tensors():
            tensor.record_stream(torch.cuda.default_stream(self._device))
        return part, copied

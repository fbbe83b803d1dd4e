"""PyTorch's settings of the whole process: changed for a while, and restored."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

import torch

Setting = TypeVar("Setting")


@contextmanager
def rounding_to_tf32(device: torch.device, *, allowed: bool) -> Generator[None]:
    """Let NVIDIA GPUs round the factors of products to TF32 for a while, or not.

    float32 means float32 elsewhere: with TF32 the backends would differ in the fourth digit. On the
    CPU nothing is changed.
    """
    if device.type != "cuda":
        yield
        return
    with _precisions_kept():
        torch.backends.cuda.matmul.allow_tf32 = allowed
        torch.backends.cudnn.allow_tf32 = allowed
        yield


@contextmanager
def _precisions_kept() -> Generator[None]:
    """Restore the precisions of products afterwards, whichever of PyTorch's settings made them.

    The older setting of matrix products also sets the newer ones (aten/src/ATen/Context.cpp, 2.13).
    """
    products = _older_setting(torch.get_float32_matmul_precision)
    convolutions = _older_setting(lambda: torch.backends.cudnn.allow_tf32)
    newer = (
        torch.backends.cuda.matmul,
        torch.backends.mkldnn.matmul,
        torch.backends.cudnn.conv,
        torch.backends.cudnn.rnn,
    )
    precisions = [setting.fp32_precision for setting in newer]
    try:
        yield
    finally:
        if products is not None:
            torch.set_float32_matmul_precision(products)
        if convolutions is not None:
            torch.backends.cudnn.allow_tf32 = convolutions
        for setting, precision in zip(newer, precisions, strict=True):
            if setting.fp32_precision != precision:
                setting.fp32_precision = precision


def _older_setting(read: Callable[[], Setting]) -> Setting | None:
    """The value of an older setting; None where it cannot express the newer ones."""
    try:
        return read()
    except RuntimeError:
        return None


@contextmanager
def limited_threads(count: int) -> Generator[None]:
    """Let PyTorch compute with a number of threads on the CPU for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def random_numbers_kept() -> Generator[None]:
    """Draw random numbers on the CPU for a while; the state of the program's is kept."""
    with torch.random.fork_rng(devices=[]):
        yield


class RandomMasks:
    """The state of the random masks of a training.

    Layers draw from PyTorch's generator of the device, which is one for the whole process. It has
    this state only while steps are taken.
    """

    def __init__(self, device: torch.device, seed: int) -> None:
        self._device = device
        self._state = torch.Generator(device).manual_seed(seed).get_state()

    @contextmanager
    def drawn(self) -> Generator[None]:
        """Let layers draw masks for a while."""
        generator = self._generator
        before = generator.get_state()
        generator.set_state(self._state)
        try:
            yield
        finally:
            self._state = generator.get_state()
            generator.set_state(before)

    @property
    def _generator(self) -> torch.Generator:
        if self._device.type != "cuda":
            return torch.default_generator
        return torch.cuda.default_generators[self._device.index]

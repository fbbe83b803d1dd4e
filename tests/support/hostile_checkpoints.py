"""Checkpoints that are changed at random, to see that a resumed run refuses them in words.

    PYTHONPATH=tests/support python -m hostile_checkpoints torch --count 2000 --optimizer adam

Each is read and restored, and a few steps are taken from it. A framework that writes beyond the end
of an array ends the process, so tests run this program in a separate process.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from netspec.backend import find_training
from netspec.data import load
from netspec.network import loads
from netspec.numerics.weights import read_safetensors
from netspec.runs.folder import Run
from netspec.runs.remembered import restore
from netspec.runs.training import train
from netspec.text.diagnostics import RunError

Arrays: TypeAlias = dict[str, NDArray[Any]]
Random: TypeAlias = np.random.Generator

VALUES = (np.nan, np.inf, -np.inf, -1.0, 1e38, -1e-30, 0.0, 2**62)
TYPES = ("float64", "float16", "int64", "int32", "uint8", "bool")


def drop(arrays: Arrays, key: str, _random: Random) -> None:
    del arrays[key]


def rename(arrays: Arrays, key: str, _random: Random) -> None:
    arrays[f"{key}x"] = arrays.pop(key)


def add(arrays: Arrays, key: str, _random: Random) -> None:
    arrays[f"other/{key}"] = arrays[key]


def swap(arrays: Arrays, key: str, random: Random) -> None:
    other = str(random.choice([*arrays]))
    arrays[key], arrays[other] = arrays[other], arrays[key]


def shorten(arrays: Arrays, key: str, random: Random) -> None:
    flat = arrays[key].ravel()
    arrays[key] = flat[: int(random.integers(0, flat.size + 1))]


def lengthen(arrays: Arrays, key: str, random: Random) -> None:
    arrays[key] = np.resize(arrays[key], arrays[key].size + int(random.integers(1, 9)))


def reshape(arrays: Arrays, key: str, random: Random) -> None:
    form = random.integers(0, 3)
    array = arrays[key]
    arrays[key] = (array.T, array[None], array.ravel())[form]


def retype(arrays: Arrays, key: str, random: Random) -> None:
    with np.errstate(all="ignore"):
        arrays[key] = arrays[key].astype(str(random.choice(TYPES)))


def revalue(arrays: Arrays, key: str, random: Random) -> None:
    array = arrays[key].copy()
    with np.errstate(all="ignore"):
        value = np.array(float(random.choice(VALUES))).astype(array.dtype)
    if array.size:
        array.flat[int(random.integers(0, array.size))] = value
    arrays[key] = array


def flip_bit(arrays: Arrays, key: str, random: Random) -> None:
    content = bytearray(arrays[key].tobytes())
    if content:
        content[int(random.integers(0, len(content)))] ^= 1 << int(random.integers(0, 8))
    array = np.frombuffer(bytes(content), arrays[key].dtype)
    arrays[key] = array.reshape(arrays[key].shape)


CHANGES: tuple[Callable[[Arrays, str, Random], None], ...] = (
    *(drop, rename, add, swap, shorten, lengthen, reshape, retype, revalue, flip_bit),
)


def changed(arrays: Mapping[str, NDArray[Any]], random: Random) -> Arrays:
    """The arrays with one change to one of them, or a few."""
    result = dict(arrays)
    for _ in range(int(random.choice([1, 1, 1, 2, 5]))):
        if result:
            change = CHANGES[int(random.integers(0, len(CHANGES)))]
            change(result, str(random.choice([*result])), random)
    return result


SPEC = """
netspec: 1
name: changed
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 4, kernel_size: 3, strides: 2}
  - BatchNormalization
  - Flatten
  - Dense: {units: 10, activation: softmax}
data: {dataset: digits, scale: 16}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {OPTIMIZER}
  epochs: 1
  batch_size: 300
  early_stopping: {monitor: loss, restore_best_weights: true}
"""
STEPS = 6  # of 1,797 images


class Resumed:
    """A run whose checkpoint is replaced, and one trainer that goes on from each."""

    def __init__(self, folder: Path, backend: str, optimizer: str) -> None:
        network = loads(SPEC.replace("OPTIMIZER", optimizer))
        self.run: Run = train(network, backend, device="cpu", runs=folder)
        self.path = self.run.path / "checkpoint.safetensors"
        self.tensors, self.metadata = read_safetensors(self.path)
        target, examples = find_training(backend), load(network).train
        self.trainer = target.trainer(network, self.run.weights(), examples, "cpu", 1)
        self.fresh = self.trainer.optimizer_state()

    def go_on(self, tensors: Arrays) -> None:
        """Take two steps from a checkpoint of these arrays. Raises RunError where it is refused."""
        contiguous = {key: np.array(value, order="C") for key, value in tensors.items()}
        self.run.write({self.path.name: save(contiguous, self.metadata)})
        state = self.run.checkpoint()
        self.trainer.restore(self.fresh)
        restore(self.trainer, state.optimizer, STEPS, "it")
        for _ in self.trainer.epoch(np.arange(20), 10, np.full(2, 1e-3, np.float32), 0):
            pass


def refused_where_too_small(resumed: Resumed) -> int:
    """How many parts of the optimizer's state are refused where half of each is missing: all."""
    keys = [
        key for key, value in resumed.tensors.items() if key[:10] == "optimizer/" and value.ndim
    ]
    for key in keys:
        half = resumed.tensors[key].ravel()[: resumed.tensors[key].size // 2]
        try:
            resumed.go_on({**resumed.tensors, key: half})
        except RunError:
            continue
        raise AssertionError(f"half of {key} was accepted")
    return len(keys)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backend")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--optimizer", default="adam")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        resumed = Resumed(Path(folder), options.backend, options.optimizer)
        resumed.go_on(dict(resumed.tensors))  # without a change it goes on
        counts["too small"] = refused_where_too_small(resumed)
        for index in range(options.count):
            tensors = changed(resumed.tensors, np.random.default_rng((options.seed, index)))
            try:
                resumed.go_on(tensors)
            except RunError as error:
                counts["refused"] += 1
                assert error.help, error.message
            except BaseException:
                print(f"number {index} of seed {options.seed}:", flush=True)
                raise
            else:
                counts["went on"] += 1
    print(", ".join(f"{outcome}: {count}" for outcome, count in sorted(counts.items())))


if __name__ == "__main__":
    main()

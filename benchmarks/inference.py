"""How many images a second each form of the trained network classifies, on the CPU."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache, partial
from multiprocessing import get_context
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import RATIO, SPEC, Row, compare, parser, ratio_cells, show, write_json
from netspec.backend import find_exporting, find_training
from netspec.graph import load
from netspec.weights import initial

Images: TypeAlias = NDArray[np.float32]
Classify: TypeAlias = Callable[[Images, int], Images]
"""Probabilities (n, 10) of images (n, 28, 28, 1), in batches of a size."""

NETWORK = load(SPEC)
IMAGES = {1: 1, 256: 10_240}
"""For every size of batch the images of a call: one request, and a whole test set."""

TOLERANCE = 1e-5


def onnx() -> Classify:
    target = find_exporting("onnx")
    content = target.export(NETWORK, _weights(), opset=None, raw_input=False)
    model = target.open(content, "cpu")
    return lambda images, size: _in_batches(model.predict, images, size)


def keras_predict() -> Classify:
    model = find_training("keras").model(NETWORK, _weights())
    return lambda images, size: model.predict(images, batch_size=size, verbose=0)


def keras_call() -> Classify:
    """What Keras's documentation advises for a few images."""
    model = find_training("keras").model(NETWORK, _weights())

    def outputs(part: Images) -> Images:
        return model(part, training=False).numpy()

    return lambda images, size: _in_batches(outputs, images, size)


def torch_eager() -> Classify:
    import torch

    model = find_training("torch").model(NETWORK, _weights()).eval()

    @torch.inference_mode()
    def outputs(part: Images) -> Images:
        return model(torch.from_numpy(part)).numpy()

    return lambda images, size: _in_batches(outputs, images, size)


MODELS: dict[str, Callable[[], Classify]] = {
    "netspec's ONNX in ONNX Runtime": onnx,
    "keras.Model.predict": keras_predict,
    "keras.Model called": keras_call,
    "PyTorch eager": torch_eager,
}


def _weights() -> dict[str, Images]:
    return initial(NETWORK.graph, seed=0)


def _in_batches(outputs: Callable[[Images], Images], images: Images, size: int) -> Images:
    starts = range(0, len(images), size)
    return np.concatenate([outputs(images[start : start + size]) for start in starts])


# What follows, down to the tables, runs in the process of a model.


@cache
def _classify(name: str) -> Classify:
    return MODELS[name]()


def _images(count: int) -> Images:
    return np.random.default_rng(0).random((count, *NETWORK.graph.input_shape), np.float32)


def probabilities(name: str) -> Images:
    """What a model says of some images."""
    return _classify(name)(_images(100), 256)


def seconds_an_image(name: str, size: int, duration: float) -> float:
    """The mean over as many calls as fit into a duration in seconds."""
    classify, images = _classify(name), _images(IMAGES[size])
    classify(images, size)  # after the other models' turns, the caches are cold
    calls, began = 0, perf_counter()
    while (passed := perf_counter() - began) < duration:
        classify(images, size)
        calls += 1
    return passed / calls / len(images)


Processes: TypeAlias = dict[str, ProcessPoolExecutor]


def processes(stack: ExitStack) -> Processes:
    """A process for every model: the frameworks' thread pools would disturb each other in one."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # Keras would take a GPU, the others would not
    spawn = get_context("spawn")
    return {name: stack.enter_context(ProcessPoolExecutor(1, mp_context=spawn)) for name in MODELS}


def check(workers: Processes) -> None:
    """Stop where the models do not compute the same."""
    outputs = [worker.submit(probabilities, name).result() for name, worker in workers.items()]
    difference = max(float(np.abs(other - outputs[0]).max()) for other in outputs)
    if difference > TOLERANCE:
        raise SystemExit(f"the models differ by {difference:.1e}")


def measure(workers: Processes, size: int, rounds: int, duration: float) -> list[Row]:
    def seconds(name: str) -> float:
        return workers[name].submit(seconds_an_image, name, size, duration).result()

    return compare({name: partial(seconds, name) for name in MODELS}, rounds)


def cells(size: int, row: Row) -> tuple[str, ...]:
    rates = (1 / row.median, 1 / max(row.seconds), 1 / min(row.seconds))
    return (*ratio_cells(row), str(size), row.name, *(f"{rate:,.0f}" for rate in rates))


def to_json(size: int, row: Row) -> dict[str, Any]:
    return {"batch": size, "images_per_second": 1 / row.median} | row.to_json()


def main() -> None:
    given = parser(__doc__, rounds=5).parse_args()
    rounds, duration = (1, 0.2) if given.quick else (given.rounds, 3.0)
    with ExitStack() as stack:
        workers = processes(stack)
        check(workers)
        results = [
            (size, row) for size in IMAGES for row in measure(workers, size, rounds, duration)
        ]

    columns = (*RATIO, "batch", "model", "images/s", "lowest", "highest")
    show("Classification on the CPU", columns, [cells(*result) for result in results])
    write_json(given, "inference", [to_json(*result) for result in results])


if __name__ == "__main__":
    main()

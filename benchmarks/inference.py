"""How many images a second does each form of the network classify?"""

from __future__ import annotations

import io
import logging
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

from benchmarks.harness import (
    RATIO,
    SPEC,
    Row,
    Table,
    compare,
    installed,
    parser,
    ratio_cells,
    show,
    write_json,
)
from netspec.backend import find_exporting
from netspec.graph import load
from netspec.weights import initial

Images: TypeAlias = NDArray[np.float32]
Classify: TypeAlias = Callable[[Images], Images]
"""Probabilities (n, 10) of a batch (n, 28, 28, 1), in one call."""

NETWORK = load(SPEC)
SIZES = (1, 32, 256)
TOLERANCE = 1e-5


def onnx() -> Classify:
    target = find_exporting("onnx")
    content = target.export(NETWORK, _weights(), opset=None, raw_input=False)
    return target.open(content, "cpu").predict


def keras_predict() -> Classify:
    from benchmarks.by_hand.keras_tutorial import compiled_model

    model = compiled_model()
    model.set_weights(list(_weights().values()))
    return lambda images: model.predict(images, verbose=0)


def torch_eager() -> Classify:
    import torch

    model = _torch_model().to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def classify(images: Images) -> Images:
        batch = torch.from_numpy(images).permute(0, 3, 1, 2)
        return model(batch.contiguous(memory_format=torch.channels_last)).numpy()

    return classify


def torch_onnx() -> Classify:
    import onnxruntime
    import torch

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision
    examples, batch = torch.zeros(2, 1, 28, 28), torch.export.Dim("batch")
    program = torch.onnx.export(
        _torch_model(), (examples,), dynamic_shapes=({0: batch},), verbose=False
    )
    assert program
    content = io.BytesIO()
    program.save(content)
    session = onnxruntime.InferenceSession(content.getvalue())
    (given,) = session.get_inputs()
    # One channel lies in memory as channels first and last do alike.
    return lambda images: session.run(None, {given.name: images.reshape(-1, 1, 28, 28)})[0]


MODELS: dict[str, tuple[str, Callable[[], Classify]]] = {
    "netspec's ONNX in ONNX Runtime": ("onnxruntime", onnx),
    "torch.onnx's export in ONNX Runtime": ("onnxscript", torch_onnx),
    "PyTorch eager": ("torch", torch_eager),
    "keras.Model.predict": ("keras", keras_predict),
}


def _weights() -> dict[str, Images]:
    return initial(NETWORK.graph, seed=0)


def _torch_model() -> Any:
    """The model written by hand, which gives logits, with a softmax and the weights of all."""
    import torch
    from torch import nn

    from benchmarks.by_hand.torch_tutorial import Net

    net = Net()
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), _weights().values(), strict=True):
            parameter.copy_(torch.from_numpy(_as_torch(value)))
    return nn.Sequential(net, nn.Softmax(1)).eval()


def _as_torch(value: Images) -> Images:
    """Keras's axes to PyTorch's; the first Dense reads 3 x 3 cells of 64 channels."""
    if value.ndim == 4:
        value = value.transpose(3, 2, 0, 1)
    elif value.shape == (576, 64):
        value = value.reshape(3, 3, 64, 64).transpose(3, 2, 0, 1).reshape(64, 576)
    else:
        value = value.T
    return np.ascontiguousarray(value)


# What follows, down to the tables, runs in the process of a model.


@cache
def _classify(name: str) -> Classify:
    return MODELS[name][1]()


def _images(count: int) -> Images:
    return np.random.default_rng(0).random((count, *NETWORK.graph.input_shape), np.float32)


def probabilities(name: str) -> Images:
    """What a model says of some images."""
    return _classify(name)(_images(100))


def seconds_a_batch(name: str, size: int, duration: float) -> float:
    """The mean over as many calls as fit into a duration in seconds."""
    classify, images = _classify(name), _images(size)
    classify(images)  # after the other models' turns, the caches are cold
    calls, began = 0, perf_counter()
    while (passed := perf_counter() - began) < duration:
        classify(images)
        calls += 1
    return passed / calls


Processes: TypeAlias = dict[str, ProcessPoolExecutor]


def processes(stack: ExitStack) -> Processes:
    """A process for every model: the frameworks' thread pools would disturb each other in one."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # Keras would take a GPU, the others would not
    one = partial(ProcessPoolExecutor, 1, mp_context=get_context("spawn"))
    made = installed({name: (module, one) for name, (module, _) in MODELS.items()})
    return {name: stack.enter_context(executor) for name, executor in made.items()}


def check(workers: Processes) -> None:
    """Stop where the models do not compute the same."""
    outputs = [worker.submit(probabilities, name).result() for name, worker in workers.items()]
    difference = max(float(np.abs(other - outputs[0]).max()) for other in outputs)
    if difference > TOLERANCE:
        raise SystemExit(f"the models differ by {difference:.1e}")


def measure(workers: Processes, size: int, rounds: int, duration: float) -> list[Row]:
    def seconds(name: str) -> float:
        return workers[name].submit(seconds_a_batch, name, size, duration).result()

    return compare({name: partial(seconds, name) for name in workers}, rounds)


def cells(size: int, row: Row) -> tuple[str, ...]:
    taken = (row.median, max(row.seconds), min(row.seconds))
    return (*ratio_cells(row), row.name, *(f"{size / each:,.0f}" for each in taken))


def table(size: int, rows: list[Row]) -> Table:
    columns = (*RATIO, "model", "images/s", "lowest", "highest")
    title = f"Classification on the CPU, {size} image{'s' * (size > 1)} a call"
    return Table(title, columns, tuple(cells(size, row) for row in rows))


def main() -> None:
    given = parser(__doc__, rounds=7).parse_args()
    rounds, duration = (1, 0.05) if given.quick else (given.rounds, 1.0)
    with ExitStack() as stack:
        workers = processes(stack)
        check(workers)
        found = {size: measure(workers, size, rounds, duration) for size in SIZES}

    tables = [table(size, rows) for size, rows in found.items()]
    show(*tables)
    results = [
        {"batch": size, "images_per_second": size / row.median} | row.to_json()
        for size, rows in found.items()
        for row in rows
    ]
    write_json(given, "inference", tables, results)


if __name__ == "__main__":
    main()

"""What `import netspec` offers: the commands as functions.

Each function imports what it needs when it is called, so importing netspec is fast. All of them
raise NetspecError, or a subclass of it, for an error that the caller can correct.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from netspec.backend import Device, Quantization
    from netspec.data.facts import Facts
    from netspec.graph.summary import Summary
    from netspec.language.data import Passed, Resize
    from netspec.network import Network
    from netspec.numerics.weights import Array, Weights
    from netspec.runs.answers import Prediction
    from netspec.runs.callbacks import Callback
    from netspec.runs.evaluation import Evaluation
    from netspec.runs.export import Exported
    from netspec.runs.folder import Run

Data: TypeAlias = Any
"""A path, or arrays, frames and data sets of any package; see `train`."""

MAX_LOSS = 0.005
"""The default limit of lost accuracy for a smaller export: half a point; see `Quantized.lost`."""


def load(
    path: str | Path, settings: Mapping[str, object] | None = None, *, passes: str = "all"
) -> Network:
    """The network that a spec file describes: its `spec`, and its `graph` with every shape.

    `settings` replaces values by their path, as in {"train.epochs": 1}. `passes` are the
    optimizations that it is compiled with: `all`, `none`, names with commas between them, or all
    except a `-name`. Raises SpecError, which contains every fault with its place.
    """
    import json
    from dataclasses import replace

    from netspec.network import load
    from netspec.passes import chosen
    from netspec.text.override import Override

    overrides = [
        Override(f"{path}={json.dumps(value)}", path, json.dumps(value))
        for path, value in (settings or {}).items()
    ]
    return replace(load(path, overrides), passes=chosen(passes))


def loads(text: str, *, passes: str = "all") -> Network:
    """The network that the text of a spec describes; see `load`."""
    from dataclasses import replace

    from netspec.network import loads
    from netspec.passes import chosen

    return replace(loads(text), passes=chosen(passes))


def summarize(network: Network) -> Summary:
    """The parameter table of the graph: `rows`, totals, `to_json()`."""
    from netspec.graph.summary import summarize

    return summarize(network.graph)


def inspect(network: Network, data: Data | None = None) -> Facts:
    """What is in the network's data: `parts`, `columns`, `classes`, `warnings`, `to_json()`.

    `data` are read instead of the data of the spec; see `train`. Raises DataError where the data
    cannot be opened; `error` is why they cannot be used.
    """
    from netspec.data.facts import inspect
    from netspec.data.location import with_data

    return inspect(with_data(network, _data(data)))[0]


def to_source(network: Network, backend: str) -> str:
    """The source of the Python module that a network compiles to; no framework is loaded."""
    from netspec.backend import find_training

    return find_training(backend, framework=False).source(network)


def difference(network: Network, backend: str) -> str:
    """What the network's passes change in the module that it compiles to, as a unified diff."""
    from dataclasses import replace
    from difflib import unified_diff

    before = to_source(replace(network, passes=frozenset()), backend)
    after = to_source(network, backend)
    lines = unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        "without passes",
        "with passes",
    )
    return "".join(lines)


def stages(network: Network, backend: str) -> str:
    """The graph of a network as text, and after each pass of a backend; no framework is loaded.

    The weights, which some passes change, are the initial weights of the spec's seed.
    """
    from netspec.backend import find
    from netspec.numerics.initial import initial
    from netspec.passes import describe

    weights = initial(network.graph, network.seed)
    return "\n".join(describe(find(backend, framework=False).passes, network, weights))


def compile(network: Network, backend: str, weights: Weights | None = None) -> Any:
    """The network as a keras.Model or a torch.nn.Module, in float32 on the CPU.

    `weights` are arrays by key, such as `run.weights()`; without them the model has the initial
    values of the spec's seed. A torch.nn.Module takes images channels last. Raises
    WeightsError for weights with other keys, shapes or types, or values that are not finite.
    """
    from netspec.backend import find_training
    from netspec.numerics.initial import initial
    from netspec.numerics.weights import check

    target = find_training(backend)
    if weights is None:
        weights = initial(network.graph, network.seed)
    check(network.graph, weights, "weights")
    return target.model(network, weights)


def train(
    network: Network,
    backend: str,
    *,
    device: Device = "auto",
    runs: str | Path = "runs",
    resume: bool | str | Path = False,
    memory: str | None = None,
    strict: bool = False,
    data: Data | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
) -> Run:
    """Train a network as its spec describes, into a new folder in `runs`; see `netspec train`.

    `data` are read instead of the data of the spec; the fields about their values, such as `scale`
    and `class_names`, apply to them too. They are

    - the path of the file, or of the folder of the files;
    - a tuple (x, y) or (x, y, w): arrays (n, ...) of NumPy, PyTorch, TensorFlow or JAX, or lists;
      x and y may be dicts by the names of several inputs and outputs, w weighs every example;
    - a dict of parts, {"train": (x, y), "val": (x, y), "test": (x, y)}, or of arrays,
      {"x_train": ..., "y_train": ..., "x_test": ..., "y_test": ...};
    - for a table, texts or a series: a data frame of pandas, Polars or pyarrow, a dict of columns,
      (frame, labels), or a dict of such parts;
    - a map-style data set of PyTorch, another object with `__len__` and `__getitem__`, or a finite
      tf.data.Dataset: the examples are read once, in their order, into memory.

    Without a test part, a fifth of the examples is the test part. Images are channels last.

    With `resume` the newest run of exactly this spec continues, or the run of this path or name. A
    complete run is returned unchanged. Suspicious data are a warning, and with `strict` an error.
    `callbacks` are called after batches and epochs, and can stop the training. `progress` prints a
    line for every epoch.
    """
    from netspec.data.memory import bytes_of
    from netspec.runs.progress import InProgram
    from netspec.runs.training import train

    most = bytes_of(memory) if memory else None
    with InProgram(shown=progress) as shown:
        return train(
            network,
            backend,
            device=device,
            runs=Path(runs),
            resume=Path(resume) if isinstance(resume, str) else resume,
            memory=most,
            strict=strict,
            data=_data(data),
            progress=shown,
            callbacks=callbacks,
        )


def run(path: str | Path | None = None, *, runs: str | Path = "runs") -> Run:
    """An earlier run, by its folder; without a path, the newest run in `runs`."""
    from netspec.runs.folder import find

    return find(Path(runs), _path(path))


def evaluate(
    run: Run | str | Path,
    backend: str | None = None,
    device: Device = "auto",
    data: Data | None = None,
) -> Evaluation:
    """The test results of a run, on the backend that trained it or on another, ONNX included.

    A path names an exported ONNX file, which ONNX Runtime runs. `data` are tested instead of the
    data of the spec; see `train`. Of a path and of the data of the training the test part is
    tested, as in the training. All examples of other data without parts, such as (x, y), are
    tested.
    """
    from netspec.runs.evaluation import evaluate_file, evaluate_run

    if isinstance(run, str | Path):
        return evaluate_file(Path(run), device, _data(data))
    return evaluate_run(run, backend, device, _data(data))


def export(
    run: Run,
    path: str | Path | None = None,
    *,
    opset: int | None = None,
    raw_input: bool = False,
    passes: str = "all",
    data: Data | None = None,
    quantize: Quantization | None = None,
    max_loss: float = MAX_LOSS,
    force: bool = False,
) -> Exported:
    """Write a run as ONNX, compared with its backend's predictions; see `netspec export`.

    `quantize` is "int8" or "fp16"; `quantized` of the result contains the loss of accuracy. It
    needs the data of the training: `data` is what was passed to `train`.
    """
    from netspec.passes import chosen
    from netspec.runs.export import export

    return export(
        run,
        _path(path),
        opset=opset,
        raw_input=raw_input,
        passes=chosen(passes),
        data=_data(data),
        quantize=quantize,
        max_loss=max_loss,
        force=force,
    )


def predict(
    model: Run | str | Path,
    inputs: str | Path | Sequence[str | Path] | Any,  # Any: arrays and data frames of any package
    *,
    device: Device = "auto",
    invert: bool = False,
    as_is: bool = False,
    resize: Resize | None = None,
) -> list[Prediction] | Array | dict[str, Any]:
    """Predictions by a run or an exported ONNX file; see `netspec predict`.

    `inputs` are image files or folders of them: the result is a list of `Prediction`. Or they are
    values: an array (n, ...) as the data set has it, not divided by `scale`; arrays by the names of
    several inputs; a .npz or .npy file of them; for a table a data frame (pandas, Polars, pyarrow),
    a dict of columns, or its file. The result is then the output (n, ...) float32, by name where
    there are several. Softmax and sigmoid are probabilities, also where the loss takes logits.
    Images are predicted as arrays too where there are several outputs, or one that is no vector.

    For a series the frame or the file has all rows until now. The result are the columns of the
    rows after the last row of every group: the time, the group and what is predicted.
    """
    from netspec.runs.arrays import predict_arrays, predict_files
    from netspec.runs.opened import open_model
    from netspec.runs.prediction import predict_images
    from netspec.runs.stored import are_arrays, read_inputs

    opened = open_model(Path(model) if isinstance(model, str) else model, device)
    paths = _paths(inputs)
    if paths is None:
        return predict_arrays(opened, inputs)
    if paths and are_arrays(paths):
        return predict_arrays(opened, read_inputs(opened, paths))
    if opened.preparation:
        return predict_files(opened, paths)
    return predict_images(opened, paths, invert=invert, as_is=as_is, resize=resize)


def _paths(inputs: Any) -> list[Path] | None:  # Any: see predict
    """The paths among the inputs of a prediction; None where they are values."""
    if isinstance(inputs, str | Path):
        return [Path(inputs)]
    if not isinstance(inputs, list | tuple):
        return None
    paths = [Path(path) for path in inputs if isinstance(path, str | Path)]  # pyright: ignore[reportUnknownVariableType] - of any values
    return paths if len(paths) == len(inputs) else None  # pyright: ignore[reportUnknownArgumentType] - of any values


def _data(data: Data | None) -> Path | Passed | None:
    """The place of data, or data that are passed."""
    if data is None or isinstance(data, str | Path):
        return _path(data)
    from netspec.language.data import Passed

    return Passed(data)


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)

"""Runs ONNX files with ONNX Runtime, on the best available provider, and reports which it is."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto

from netspec.backend import (
    LARGEST_BATCH,
    Device,
    Predicting,
    gpu_count,
    gpu_present,
    outputs_in_batches,
)
from netspec.backend.devices import DeviceName, absent_gpu, parse_device
from netspec.cores import allowed_cores, free_cores, threads_set_by_user
from netspec.language.layers import Shape, written
from netspec.language.layers.activations import ActivationName
from netspec.network import loads
from netspec.numerics.weights import Array
from netspec.text.diagnostics import BackendError, NetspecError

with warnings.catch_warnings():
    # A GPU build warns of libraries that `preload_dlls` loads later.
    warnings.simplefilter("ignore", UserWarning)
    import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - it ships none

from netspec_onnx.binding import BoundSession
from netspec_onnx.bounds import check_bounds
from netspec_onnx.columns import separated
from netspec_onnx.logits import without_activations
from netspec_onnx.saturation import remarks
from netspec_onnx.tokens import MICROSOFT

ort: Any = onnxruntime  # Any: it ships no types
Session: TypeAlias = Any  # Any: likewise

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"

Chain: TypeAlias = list[str | tuple[str, dict[str, str]]]

# TF32 rounds to 10 bits, and the predictions of the backends are to agree.
_EXACT = {"use_tf32": "0"}
CHAINS: dict[str, Chain] = {
    CPU: [CPU],
    CUDA: [(CUDA, _EXACT), CPU],
    TENSORRT: [TENSORRT, (CUDA, _EXACT), CPU],
}
"""For every provider the list that ONNX Runtime wants: what it cannot run goes to the next."""

GRAPHS: Chain = [(CUDA, {**_EXACT, "enable_cuda_graph": "1"}), CPU]
"""CUDA that may record graphs. TensorRT may not: it records one of a session, and replays it for
every batch size (onnxruntime/core/providers/tensorrt/tensorrt_execution_provider.cc)."""

MEMORY = {CUDA: "cuda", TENSORRT: "cuda"}
"""For the providers of a device with separate memory, ONNX Runtime's name of that memory."""

TUNED_BATCH = 32  # the batch size for which TensorRT chooses its kernels

NOTHING = 4  # ONNX Runtime's log severity at which it prints only fatal errors

# ONNX's own operators. Others may read files: EPContext names a compiled engine on the disk.
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})

_FOREIGN = "pass a file that netspec exported"
_GET_TENSORRT = "install NVIDIA's tensorrt beside onnxruntime-gpu; or use --device cuda"
_GET_CUDA = (
    "use the device cpu; or pip uninstall onnxruntime onnxruntime-gpu, then "
    "pip install 'netspec[torch-gpu]', in an environment without 'netspec[keras-gpu]'"
)


class OnnxPredictor(Predicting):
    """An ONNX model in a session of ONNX Runtime; see `netspec.backend.Predictor`.

    `metadata` is the metadata of the file, under the keys `netspec.…` if netspec wrote it.
    `input_shapes` and `output_shapes` have no batch axis. `raw_input` is true if the model takes
    pixels as uint8 and divides them itself. `remarks` are sentences about unexpected facts.

    A file that takes the columns of a table has their names in `columns`. `input_shapes`
    and all functions of arrays are about the network without the preparation.
    """

    def __init__(
        self,
        content: bytes,
        device: Device,
        taken_off: Sequence[ActivationName | None] | None = None,
    ) -> None:
        """Open a file's content. Nothing in it is executed, and no other file is read.

        `taken_off` are the activations that `logits` leaves out; without it the spec in the file
        decides.

        Raises BackendError where it is no ONNX model, where its inputs and outputs are not
        float, or where the device is not there.
        """
        model = _parsed(content)
        self.metadata = _metadata(model)
        _check_closed(model)
        check_bounds(model)
        self._content, self._device, self._taken_off = content, device, taken_off
        parts = separated(model)
        self.columns, self._preparation = parts.columns, parts.preparation
        network = parts.network.SerializeToString() if self.columns else content
        self._session, provider, chain = _session(network, parts.network, device)
        self.remarks = remarks(model)  # of weights that ONNX Runtime has found to be sound
        self._names, self.raw_input, self.input_shapes = _inputs(self._session)
        self._outputs, self.output_shapes = _outputs(self._session)
        self._bound: BoundSession | None = None  # on the CPU inputs and outputs lie where they are
        if provider in MEMORY:
            graphs = chain is GRAPHS
            index = parse_device(device).index
            self._bound = BoundSession(self._session, MEMORY[provider], index, graphs=graphs)
        self.device = f"{'cpu' if provider == CPU else 'cuda'} ({provider})"

    def outputs(self, *inputs: Array) -> tuple[Array, ...]:
        """Every output (n, …) for all inputs (n, …), in the file's order, all float32.

        Raises BackendError where the model takes raw pixels, or inputs of other shapes.
        """
        if self.raw_input:
            help = "pass the pixels as uint8, undivided"
            raise BackendError("the model takes raw pixels, not scaled inputs", help)
        return self._checked(tuple(np.ascontiguousarray(array, np.float32) for array in inputs))

    def logits(self, *inputs: NDArray[Any]) -> tuple[Array, ...]:  # Any: float32 or uint8
        """Every output (n, …) as its loss takes it, for all inputs (n, …) as the file takes them.

        Raises BackendError where the file contains no spec, or does not end as the spec does.
        """
        opened = self._without_activations
        return (opened.outputs_of_pixels if self.raw_input else opened.outputs)(*inputs)

    @cached_property
    def _without_activations(self) -> OnnxPredictor:
        """The model without the activations that are taken off for a loss; itself without any."""
        taken_off = self._taken_off
        try:
            if taken_off is None:
                taken_off = loads(self.metadata["netspec.spec"]).taken_off
        except (KeyError, NetspecError):
            raise BackendError("the model contains no spec", _FOREIGN) from None
        if not any(taken_off):
            return self
        return OnnxPredictor(without_activations(self._content, taken_off), self._device)

    def outputs_of_pixels(self, pixels: NDArray[np.uint8]) -> tuple[Array, ...]:
        """Every output (n, …) for pixels (n, height, width, channels), which the model scales.

        Raises BackendError where the model takes scaled inputs, or pixels of another shape.
        """
        if not self.raw_input:
            help = "divide the pixels by the scale, or export with raw input"
            raise BackendError("the model takes scaled inputs, not raw pixels", help)
        return self._checked((np.ascontiguousarray(pixels),))

    def outputs_of_columns(self, columns: Mapping[str, NDArray[Any]]) -> tuple[Array, ...]:
        """Every output (n, …) for the values (n,) of the columns of a table, by name."""
        return self._of_columns(self._whole_session, columns)

    def prepared(self, columns: Mapping[str, NDArray[Any]]) -> tuple[Array, ...]:
        """The inputs (n, …) of the network for the values (n,) of the columns of a table."""
        return self._of_columns(self._preparing_session, columns)

    def _of_columns(
        self, session: Session, columns: Mapping[str, NDArray[Any]]
    ) -> tuple[Array, ...]:
        """The outputs of a session whose inputs are columns."""

        def run(*values: NDArray[Any]) -> tuple[Array, ...]:
            try:
                return tuple(session.run(None, dict(zip(self.columns, values, strict=True))))
            except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no class
                message = f"ONNX Runtime cannot predict: {reason_of(error)}"
                raise BackendError(message) from None

        return outputs_in_batches(tuple(columns[name] for name in self.columns), run)

    @cached_property
    def _whole_session(self) -> Session:
        return _session(self._content, _parsed(self._content), self._device)[0]

    @cached_property
    def _preparing_session(self) -> Session:
        if self._preparation is None:
            raise BackendError("the model takes no columns of a table", _FOREIGN)
        return _session(self._preparation.SerializeToString(), self._preparation, "cpu")[0]

    def _checked(self, inputs: tuple[NDArray[Any], ...]) -> tuple[Array, ...]:  # Any: or uint8
        shapes = tuple(array.shape[1:] for array in inputs)
        if shapes != self.input_shapes:
            expected, actual = (
                ", ".join(map(written, some)) for some in (self.input_shapes, shapes)
            )
            message = f"the model takes inputs of {expected}, and gets {actual}"
            raise BackendError(message, "bring the inputs to this shape")
        outputs = outputs_in_batches(inputs, self._run)
        for output, shape in zip(outputs, self.output_shapes, strict=True):
            known = (len(inputs[0]), *shape)
            if output.ndim != len(known) or any(
                size not in (None, computed)
                for computed, size in zip(output.shape, known, strict=True)
            ):
                message = f"the model returns {written(output.shape)} where it declares other sizes"
                raise BackendError(message, _FOREIGN)
        return outputs

    def _run(self, *inputs: NDArray[Any]) -> tuple[Array, ...]:  # Any: float32 or uint8
        try:
            if self._bound is not None:
                return self._bound.run(inputs)
            named = dict(zip(self._names, inputs, strict=True))
            return tuple(self._session.run(self._outputs, named))
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no class
            raise BackendError(f"ONNX Runtime cannot predict: {reason_of(error)}") from None


def _parsed(content: bytes) -> ModelProto:
    model = ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError:
        raise BackendError("the content is not an ONNX model", _FOREIGN) from None
    if not model.HasField("graph"):
        raise BackendError("the content is an ONNX model without a graph", _FOREIGN)
    return model


def _metadata(model: ModelProto) -> dict[str, str]:
    """The metadata of a file. ONNX Runtime's function for it fails without a message."""
    metadata: dict[str, str] = {}
    for entry in model.metadata_props:
        pair: tuple[Any, Any] = entry.key, entry.value  # Any: bytes where it is not UTF-8
        if not all(isinstance(text, str) for text in pair):
            raise BackendError("the metadata of the model is not UTF-8", _FOREIGN)
        metadata |= [pair]
    return metadata


def _check_closed(model: ModelProto) -> None:
    """Raise BackendError where a model needs other files, or operators that may read them."""
    for message in _messages(model):
        if isinstance(message, TensorProto) and message.data_location == TensorProto.EXTERNAL:
            fault = f"the model keeps {message.name or 'a tensor'} in another file"
            raise BackendError(fault, "save it as one file, without external data")
        if isinstance(message, NodeProto) and not _is_standard(message):
            fault = f"the model uses the operator {message.op_type} of {message.domain}"
            raise BackendError(fault, "netspec opens only models of ONNX's standard operators")


def _is_standard(node: NodeProto) -> bool:
    """Whether an operator is ONNX's own, or the one that splits texts."""
    return node.domain in DOMAINS or (node.domain, node.op_type) == (MICROSOFT, "Tokenizer")


def _messages(message: Message) -> Iterator[Message]:
    """A message and all messages in it, except inside tensors, which are large."""
    yield message
    if isinstance(message, TensorProto):
        return
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        for child in [value] if isinstance(value, Message) else value:
            yield from _messages(child)


def silence_log() -> None:
    """Let ONNX Runtime print only fatal errors; its exceptions have the same texts.

    The severity is one for the whole process. No function of ONNX Runtime 1.32 returns it, so it is
    not restored.
    """
    ort.set_default_logger_severity(NOTHING)


def _session(content: bytes, model: ModelProto, device: Device) -> tuple[Session, str, Chain]:
    """A session, its provider and the chain it was opened with: the first to try that works."""
    choice = parse_device(device)
    providers = _choose_providers(choice)
    silence_log()
    if providers[0] != CPU:
        with redirect_stdout(sys.stderr):  # where it prints the missing libraries
            ort.preload_dlls()
    reason = ""
    for provider in providers:
        try:
            session, chain = _with_the_best_options(content, model, provider, choice.index)
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no class
            reason = reason_of(error)
            continue
        # ONNX Runtime falls back to the CPU in silence (microsoft/onnxruntime#25145).
        if session.get_providers()[0] == provider:
            _check_exact(session)
            return session, provider, chain
        reason = f"it runs on {session.get_providers()[0]} instead"
    message = f"ONNX Runtime cannot open the model with {providers[-1]}: {reason}"
    raise BackendError(message, _HELP[providers[-1]])


_HELP = {CPU: _FOREIGN, CUDA: _GET_CUDA, TENSORRT: _GET_TENSORRT}


def _choose_providers(choice: DeviceName) -> Sequence[str]:
    """The providers to try, the best first. Raises BackendError where there is none.

    TensorRT only by name: it builds an engine in every process, some seconds to minutes.
    """
    available: list[str] = ort.get_available_providers()
    if choice.kind == "cpu" or (choice.kind == "auto" and not gpu_present()):
        return [CPU]
    if choice.kind == "auto":
        return [CUDA, CPU] if CUDA in available else [CPU]
    if CUDA not in available:
        raise BackendError("the installed ONNX Runtime cannot use a GPU", _GET_CUDA)
    if choice.kind == "tensorrt" and TENSORRT not in available:
        raise BackendError("the installed ONNX Runtime has no TensorRT", _GET_TENSORRT)
    if choice.index and choice.index >= gpu_count():
        raise absent_gpu("ONNX Runtime", choice.index, gpu_count())
    return [TENSORRT if choice.kind == "tensorrt" else CUDA]


def _check_exact(session: Session) -> None:
    """Raise BackendError where CUDA rounds to TF32 although TF32 is switched off."""
    options: dict[str, str] = session.get_provider_options().get(CUDA, {})
    if any(name.endswith("use_tf32") and value == "1" for name, value in options.items()):
        help = "set NVIDIA_TF32_OVERRIDE=0 in the environment, or use another ONNX Runtime"
        raise BackendError("ONNX Runtime computes in TF32, although TF32 is switched off", help)


def _with_the_best_options(
    content: bytes, model: ModelProto, provider: str, index: int
) -> tuple[Session, Chain]:
    """A session with what makes a provider fast, if it opens: not every model can have it."""
    best = _best(provider, model)
    if best is not None:
        # ONNX Runtime's errors share no class; the call below reports the reason.
        with suppress(Exception):
            return _opened(content, _on_gpu(best, index)), best
    chain = CHAINS[provider]
    return _opened(content, _on_gpu(chain, index)), chain


def _on_gpu(chain: Chain, index: int) -> Chain:
    """A chain whose providers run on one of several GPUs."""
    if index == 0:
        return chain
    entries = [(entry, {}) if isinstance(entry, str) else entry for entry in chain]
    return [
        (name, options | {"device_id": str(index)}) if name in MEMORY else name
        for name, options in entries
    ]


def _best(provider: str, model: ModelProto) -> Chain | None:
    if provider == TENSORRT:
        return [(TENSORRT, _profile(model)), *CHAINS[TENSORRT][1:]]
    return GRAPHS if provider == CUDA else None


def _profile(model: ModelProto) -> dict[str, str]:
    """The shapes that TensorRT plans for: by itself it plans anew for a size beyond those seen."""
    weights = {constant.name for constant in model.graph.initializer}
    shapes = {
        tensor.name: [axis.dim_value for axis in tensor.type.tensor_type.shape.dim[1:]]
        for tensor in model.graph.input
        if tensor.name not in weights
    }

    def of(batch: int) -> str:
        return ",".join(
            f"{name}:{'x'.join(map(str, (batch, *shape)))}" for name, shape in shapes.items()
        )

    return {
        "trt_profile_min_shapes": of(1),
        "trt_profile_opt_shapes": of(TUNED_BATCH),
        "trt_profile_max_shapes": of(LARGEST_BATCH),
    }


def _opened(content: bytes, chain: Chain) -> Session:
    options = ort.SessionOptions()
    options.log_severity_level = NOTHING
    threads = threads_set_by_user() or max(1, free_cores())
    if threads < (os.cpu_count() or threads):
        # By itself ONNX Runtime starts a thread for every core of the machine.
        options.intra_op_num_threads = threads
    if threads < allowed_cores():
        # Threads that spin would keep a core from the others that run on it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # What was checked is an ONNX model; bytes that are at once one in ORT's format were not.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return ort.InferenceSession(
        content,
        options,
        providers=chain,
        enable_fallback=0,
        read_config_from_model=0,
    )


def _inputs(session: Session) -> tuple[tuple[str, ...], bool, tuple[Shape, ...]]:
    """The names of the inputs, whether they are uint8, and their shapes."""
    inputs = session.get_inputs()
    types = {tensor.type for tensor in inputs}
    if types not in ({"tensor(float)"}, {"tensor(uint8)"}):
        named = ", ".join(sorted(types)) or "nothing"
        raise BackendError(f"the model takes {named}, not float or uint8", _FOREIGN)
    for tensor in inputs:
        if not tensor.shape or not all(isinstance(size, int) for size in tensor.shape[1:]):
            message = f"the model's input is {list(tensor.shape)}; only the batch axis may be free"
            raise BackendError(message, _FOREIGN)
    shapes = tuple(tuple(tensor.shape[1:]) for tensor in inputs)
    return tuple(tensor.name for tensor in inputs), types == {"tensor(uint8)"}, shapes


def _outputs(session: Session) -> tuple[list[str], tuple[tuple[int | None, ...], ...]]:
    """The names of the outputs, which are float, and their shapes; None is a size not declared."""
    outputs = session.get_outputs()
    types = {output.type for output in outputs}
    if types != {"tensor(float)"}:
        named = ", ".join(sorted(types)) or "nothing"
        raise BackendError(f"the model returns {named}, not float", _FOREIGN)
    if any(not output.shape for output in outputs):
        raise BackendError("the model has an output without a batch axis", _FOREIGN)
    shapes = tuple(
        tuple(size if isinstance(size, int) else None for size in output.shape[1:])
        for output in outputs
    )
    return [output.name for output in outputs], shapes


def reason_of(error: Exception) -> str:
    """The message of ONNX Runtime: its first line, without the code before it."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].split(" : ", 3)[-1]

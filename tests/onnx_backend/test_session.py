"""ONNX files in ONNX Runtime: on which device, with what inputs, and which files are refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if "CI" not in os.environ:  # there both are always installed, and their absence is a failure
    pytest.importorskip("onnx.helper")
    pytest.importorskip("onnxruntime")

import onnx
from onnx import TensorProto, helper, numpy_helper

import netspec_onnx
from netspec import cores
from netspec.backend import find_exporting
from netspec.network import Network, loads
from netspec.numerics.initial import initial
from netspec.text.diagnostics import BackendError
from netspec_onnx import session
from netspec_onnx.session import CPU, CUDA, TENSORRT
from saturating import without_hash

BACKEND = find_exporting("onnx")

SPEC = """
netspec: 1
name: tested
input: [4, 4, 1]
layers: [Flatten, Dense: {units: 3, activation: softmax}]
data: {dataset: npz, path: a.npz, scale: 255}
"""


@pytest.fixture(scope="module")
def net() -> Network:
    return loads(SPEC)


@pytest.fixture(scope="module")
def content(net: Network) -> bytes:
    return BACKEND.export(net, initial(net.graph, 0))


@pytest.fixture(scope="module")
def raw_content(net: Network) -> bytes:
    return BACKEND.export(net, initial(net.graph, 0), raw_input=True)


def inputs(count: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, 4, 4, 1), np.float32)


def graph_of(
    nodes: Sequence[onnx.NodeProto],
    initializers: Sequence[onnx.TensorProto] = (),
    shape: Sequence[str | int] = ("n", 2),
    element: int = TensorProto.FLOAT,
) -> onnx.GraphProto:
    return helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("x", element, shape)],
        [helper.make_tensor_value_info("y", element, shape)],
        initializers,
    )


def model_of(graph: onnx.GraphProto) -> bytes:
    opsets = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def foreign(**arguments: Any) -> bytes:
    return model_of(graph_of([helper.make_node("Identity", ["x"], ["y"])], **arguments))


def external(name: str) -> onnx.TensorProto:
    """A tensor whose values are in another file."""
    tensor = numpy_helper.from_array(np.ones(2, np.float32), name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


def refused(content: bytes, device: Any = "cpu") -> BackendError:
    with pytest.raises(BackendError) as caught:
        BACKEND.open(content, device)
    return caught.value


def test_predictor_says_which_provider_it_got(content: bytes) -> None:
    assert BACKEND.open(content, "cpu").device == "cpu (CPUExecutionProvider)"


def test_a_process_that_may_use_fewer_cores_starts_as_many_threads(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    monkeypatch.setattr(cores, "_others_run", lambda: False)

    opened = BACKEND.open(content, "cpu")

    assert opened._session.get_session_options().intra_op_num_threads == 3


@pytest.mark.parametrize(("free", "spinning"), [(1, "0"), (2, "0"), (3, None)])
def test_threads_do_not_spin_on_busy_cores(
    content: bytes, monkeypatch: pytest.MonkeyPatch, free: int, spinning: str | None
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr(session, "allowed_cores", lambda: 3)
    monkeypatch.setattr(session, "free_cores", lambda: free)

    options = BACKEND.open(content, "cpu")._session.get_session_options()

    if spinning is None:
        with pytest.raises(RuntimeError):  # it has no such entry
            options.get_session_config_entry("session.intra_op.allow_spinning")
    else:
        assert options.intra_op_num_threads == free
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == spinning


def test_predictor_knows_its_input_and_its_metadata(net: Network, content: bytes) -> None:
    predictor = BACKEND.open(content, "cpu")
    assert predictor.input_shapes == ((4, 4, 1),)
    assert not predictor.raw_input
    assert predictor.metadata["netspec.graph"] == net.graph.hash
    assert predictor.metadata["netspec.scale"] == "255.0"


def test_many_inputs_are_predicted_in_batches(content: bytes) -> None:
    predictor, x = BACKEND.open(content, "cpu"), inputs(1001)
    outputs = predictor.predict(x)
    assert (outputs.shape, outputs.dtype) == ((1001, 3), np.float32)
    np.testing.assert_allclose(outputs[1000:], predictor.predict(x[1000:]), rtol=1e-5)


def test_inputs_may_be_a_view_and_of_double_precision(content: bytes) -> None:
    predictor, x = BACKEND.open(content, "cpu"), inputs(4)
    expected = predictor.predict(np.ascontiguousarray(x[::2]))
    np.testing.assert_array_equal(predictor.predict(x[::2].astype(np.float64)), expected)


def test_inputs_of_another_shape_are_refused(content: bytes) -> None:
    with pytest.raises(BackendError, match=r"takes inputs of \(4, 4, 1\), and gets \(3, 4, 1\)"):
        BACKEND.open(content, "cpu").predict(np.zeros((2, 3, 4, 1), np.float32))


def test_raw_model_takes_pixels_alone(raw_content: bytes) -> None:
    predictor = BACKEND.open(raw_content, "cpu")
    assert predictor.raw_input
    (output,) = predictor.outputs_of_pixels(np.zeros((2, 4, 4, 1), np.uint8))
    assert output.shape == (2, 3)
    with pytest.raises(BackendError, match="takes raw pixels"):
        predictor.predict(inputs(2))


def test_raw_model_refuses_floats_as_pixels(raw_content: bytes) -> None:
    with pytest.raises(BackendError, match="cannot predict"):
        BACKEND.open(raw_content, "cpu").outputs_of_pixels(inputs(2))


def test_scaled_model_refuses_pixels(content: bytes) -> None:
    with pytest.raises(BackendError, match="takes scaled inputs"):
        BACKEND.open(content, "cpu").outputs_of_pixels(np.zeros((2, 4, 4, 1), np.uint8))


@pytest.mark.parametrize(
    "damaged",
    [b"", b"netspec: 1\n", b"\x89PNG\r\n\x1a\n", b"\x08\x0a"],
    ids=["empty", "yaml", "png", "no-graph"],
)
def test_other_bytes_are_refused(damaged: bytes) -> None:
    fault = refused(damaged)
    assert "ONNX model" in fault.message
    assert fault.help == "pass a file that netspec exported"


def test_cut_off_file_is_refused(content: bytes) -> None:
    assert refused(content[: len(content) // 2]).message == "the content is not an ONNX model"


def test_graph_that_onnx_runtime_refuses_is_a_backend_error() -> None:
    fault = refused(model_of(graph_of([helper.make_node("NoSuchOperator", ["x"], ["y"])])))
    assert "ONNX Runtime cannot open the model" in fault.message
    assert "NoSuchOperator" in fault.message
    assert "\n" not in fault.message


def test_foreign_model_opens_without_metadata() -> None:
    predictor = BACKEND.open(foreign(), "cpu")
    assert predictor.metadata == {}
    x = np.ones((3, 2), np.float32)
    np.testing.assert_array_equal(predictor.predict(x), x)


def test_fixed_batch_of_a_foreign_model_is_an_error_of_prediction() -> None:
    predictor = BACKEND.open(foreign(shape=(1, 2)), "cpu")
    with pytest.raises(BackendError, match="cannot predict"):
        predictor.predict(np.ones((3, 2), np.float32))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"element": TensorProto.INT64}, "takes tensor(int64), not float or uint8"),
        ({"shape": ("n", "features")}, "only the batch axis may be free"),
        ({"shape": ()}, "only the batch axis may be free"),
    ],
)
def test_foreign_model_of_other_inputs_is_refused(arguments: Any, reason: str) -> None:
    assert reason in refused(foreign(**arguments)).message


def test_model_with_two_inputs_takes_both() -> None:
    graph = graph_of([helper.make_node("Add", ["x", "z"], ["y"])])
    graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 2]))
    predictor = BACKEND.open(model_of(graph), "cpu")

    output = predictor.predict(np.ones((3, 2), np.float32), np.full((3, 2), 2, np.float32))

    np.testing.assert_array_equal(output, np.full((3, 2), 3, np.float32))


def test_inputs_of_other_shapes_are_refused() -> None:
    predictor = BACKEND.open(foreign(), "cpu")

    with pytest.raises(BackendError, match=r"takes inputs of \(2\), and gets \(2\), \(2\)"):
        predictor.predict(np.ones((3, 2), np.float32), np.ones((3, 2), np.float32))


def in_an_initializer() -> bytes:
    return model_of(graph_of([helper.make_node("Add", ["x", "w"], ["y"])], [external("w")]))


def in_an_attribute() -> bytes:
    constant = helper.make_node("Constant", [], ["w"], value=external("w"))
    return model_of(graph_of([constant, helper.make_node("Add", ["x", "w"], ["y"])]))


def in_a_branch() -> bytes:
    branch = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["z"])],
        "branch",
        [],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 2])],
        [external("w")],
    )
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    condition = numpy_helper.from_array(np.array(True), "c")
    return model_of(graph_of([node], [condition]))


@pytest.mark.parametrize("written", [in_an_initializer, in_an_attribute, in_a_branch])
def test_model_that_needs_another_file_is_refused(written: Callable[[], bytes]) -> None:
    assert refused(written()).message == "the model keeps w in another file"


def test_operator_that_may_read_files_is_refused() -> None:
    node = helper.make_node(
        "EPContext", ["x"], ["y"], domain="com.microsoft", embed_mode=0, ep_cache_context="a.bin"
    )
    fault = refused(model_of(graph_of([node])))
    assert fault.message == "the model uses the operator EPContext of com.microsoft"


def test_bytes_that_look_like_onnx_runtimes_own_format_are_read_as_onnx(content: bytes) -> None:
    # A producer's name puts the mark of that format at its place, and leaves an ONNX model.
    marked = b"\x12\x06abORTM" + without_hash(content)
    assert BACKEND.open(marked, "cpu").input_shapes == ((4, 4, 1),)


def test_cuda_without_a_gpu_build_is_refused_with_the_remedy(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session.ort, "get_available_providers", lambda: [CPU])
    fault = refused(content, "cuda")
    assert fault.message == "the installed ONNX Runtime cannot use a GPU"
    assert fault.help is not None
    assert "pip install 'netspec[torch-gpu]'" in fault.help


class Pretended:
    """A session on the CPU that reports another provider than the real one."""

    def __init__(self, real: Any, provider: str) -> None:
        self._real, self._provider = real, provider

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def get_providers(self) -> list[str]:
        return [self._provider, CPU]


@pytest.fixture
def gpu_build(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[session.Chain]]:
    """A GPU build of ONNX Runtime on which only some providers start. Returns the chains that were tried."""
    opened = session._opened

    def build(
        starting: Sequence[str], failing: Sequence[str] = (), best_fails: bool = False
    ) -> list[session.Chain]:
        tried: list[session.Chain] = []

        def pretended(content: bytes, chain: session.Chain) -> Any:
            tried.append(chain)
            provider = chain[0] if isinstance(chain[0], str) else chain[0][0]
            if best_fails and chain not in session.CHAINS.values():
                raise RuntimeError("[ONNXRuntimeError] : 1 : FAIL : This session cannot use it")
            if provider in failing:
                raise RuntimeError("[ONNXRuntimeError] : 1 : FAIL : no such library\nand more")
            real = opened(content, [CPU])
            return Pretended(real, provider) if provider in starting else real

        monkeypatch.setattr(session.ort, "get_available_providers", lambda: [TENSORRT, CUDA, CPU])
        monkeypatch.setattr(session.ort, "preload_dlls", lambda: None)
        monkeypatch.setattr(session, "gpu_present", lambda: True)
        monkeypatch.setattr(session, "_opened", pretended)
        monkeypatch.setattr(session, "MEMORY", {CUDA: "cpu", TENSORRT: "cpu"})
        return tried

    return build


@pytest.mark.parametrize(
    ("starting", "failing", "device"),
    [
        ([TENSORRT, CUDA], [], "cuda (CUDAExecutionProvider)"),
        ([CUDA], [], "cuda (CUDAExecutionProvider)"),
        ([], [CUDA], "cpu (CPUExecutionProvider)"),
    ],
)
def test_auto_takes_the_best_provider_that_starts(
    content: bytes,
    gpu_build: Callable[..., list[session.Chain]],
    starting: list[str],
    failing: list[str],
    device: str,
) -> None:
    gpu_build(starting, failing)
    assert BACKEND.open(content, "auto").device == device


def test_cuda_that_falls_back_in_silence_is_refused(
    content: bytes, gpu_build: Callable[..., list[session.Chain]]
) -> None:
    tried = gpu_build([])
    fault = refused(content, "cuda")
    assert tried == [session.GRAPHS]
    assert fault.message.endswith("CUDAExecutionProvider: it runs on CPUExecutionProvider instead")
    assert fault.help is not None
    assert "pip install 'netspec[torch-gpu]'" in fault.help


def test_cuda_that_does_not_start_says_why(
    content: bytes, gpu_build: Callable[..., list[session.Chain]]
) -> None:
    gpu_build([], failing=[CUDA])
    assert refused(content, "cuda").message.endswith("CUDAExecutionProvider: no such library")


def test_auto_without_a_gpu_tries_the_cpu_alone(
    content: bytes, gpu_build: Callable[..., list[session.Chain]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = gpu_build([TENSORRT, CUDA])
    monkeypatch.setattr(session, "gpu_present", lambda: False)
    assert BACKEND.open(content, "auto").device == "cpu (CPUExecutionProvider)"
    assert tried == [[CPU]]


def test_cuda_computes_in_full_precision() -> None:
    # ONNX Runtime's documentation of the CUDA provider: use_tf32 is 1 by default.
    assert session.CHAINS[CUDA] == [(CUDA, {"use_tf32": "0"}), CPU]
    assert session.GRAPHS == [(CUDA, {"use_tf32": "0", "enable_cuda_graph": "1"}), CPU]


def test_model_of_which_cuda_cannot_record_graphs_opens_without(
    content: bytes, gpu_build: Callable[..., list[session.Chain]]
) -> None:
    tried = gpu_build([CUDA], best_fails=True)
    expected = BACKEND.open(content, "cpu").predict(inputs(3))

    predictor = BACKEND.open(content, "cuda")

    assert tried[-2:] == [session.GRAPHS, session.CHAINS[CUDA]]
    assert predictor.device == "cuda (CUDAExecutionProvider)"
    np.testing.assert_array_equal(predictor.predict(inputs(3)), expected)


def test_tensorrt_plans_once_for_every_batch_size(
    content: bytes, gpu_build: Callable[..., list[session.Chain]]
) -> None:
    # Names and form: ONNX Runtime's documentation of the TensorRT provider, "explicit shape range".
    tried = gpu_build([TENSORRT])
    (name,) = (tensor.name for tensor in onnx.load_from_string(content).graph.input)

    BACKEND.open(content, "tensorrt")

    planned = {
        "trt_profile_min_shapes": f"{name}:1x4x4x1",
        "trt_profile_opt_shapes": f"{name}:32x4x4x1",
        "trt_profile_max_shapes": f"{name}:1000x4x4x1",
    }
    assert tried == [[(TENSORRT, planned), (CUDA, {"use_tf32": "0"}), CPU]]


def test_model_whose_parts_tensorrt_cannot_plan_ahead_opens_on_it_all_the_same(
    content: bytes, gpu_build: Callable[..., list[session.Chain]]
) -> None:
    tried = gpu_build([TENSORRT], best_fails=True)

    assert BACKEND.open(content, "tensorrt").device == "cuda (TensorrtExecutionProvider)"
    assert tried[-1] == session.CHAINS[TENSORRT]


@pytest.mark.parametrize(
    ("provider", "device", "bound"),
    [(CPU, "auto", False), (CUDA, "auto", True), (TENSORRT, "tensorrt", True)],
)
def test_only_a_gpu_has_memory_of_its_own_for_inputs_and_outputs(
    content: bytes,
    gpu_build: Callable[..., list[session.Chain]],
    provider: str,
    device: str,
    bound: bool,
) -> None:
    gpu_build([provider])
    assert (BACKEND.open(content, device)._bound is not None) is bound


@pytest.mark.parametrize(
    ("installed", "gpu", "devices"),
    [
        ("1.23.0", True, ("cpu", "cuda")),
        ("1.23.0", False, ("cpu",)),
        (None, True, ("cpu",)),
    ],
)
def test_cuda_is_a_device_where_the_gpu_build_and_a_gpu_are(
    installed: str | None, gpu: bool, devices: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(netspec_onnx, "gpu_present", lambda: gpu)
    monkeypatch.setattr(netspec_onnx.Framework, "version", installed)
    assert BACKEND.devices() == devices


def test_onnx_runtime_says_nothing_of_its_own(content: bytes, capfd: pytest.CaptureFixture) -> None:
    BACKEND.open(content, "auto").predict(inputs(2))
    assert capfd.readouterr() == ("", "")


def test_model_of_external_data_reads_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    tensor = external("w")
    tensor.external_data[0].value = "w.bin"
    (tmp_path / "w.bin").write_bytes(np.ones(2, np.float32).tobytes())
    graph = graph_of([helper.make_node("Add", ["x", "w"], ["y"])], [tensor])
    assert "another file" in refused(model_of(graph)).message


def test_another_gpu_is_named_to_every_provider(
    content: bytes,
    gpu_build: Callable[..., list[session.Chain]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = gpu_build([CUDA])
    monkeypatch.setattr(session, "gpu_count", lambda: 2)
    monkeypatch.setattr(session, "BoundSession", lambda *_arguments, **_options: None)

    BACKEND.open(content, "cuda:1")

    options = {"use_tf32": "0", "enable_cuda_graph": "1", "device_id": "1"}
    assert tried == [[(CUDA, options), CPU]]


def test_an_absent_gpu_is_refused_with_those_present(
    content: bytes,
    gpu_build: Callable[..., list[session.Chain]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu_build([CUDA])
    monkeypatch.setattr(session, "gpu_count", lambda: 2)
    fault = refused(content, "cuda:2")
    assert fault.message == "ONNX Runtime sees no cuda:2"
    assert fault.help == "use one of cpu, cuda:0, cuda:1"


def test_tensorrt_without_its_libraries_is_refused(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session.ort, "get_available_providers", lambda: [CUDA, CPU])
    assert refused(content, "tensorrt").message == "the installed ONNX Runtime has no TensorRT"


def test_cuda_that_rounds_to_tf32_is_refused(
    content: bytes,
    gpu_build: Callable[..., list[session.Chain]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu_build([CUDA])
    options = {CUDA: {"ep.cuda.use_tf32": "1"}}
    monkeypatch.setattr(Pretended, "get_provider_options", lambda _: options, raising=False)
    assert "computes in TF32" in refused(content, "cuda").message

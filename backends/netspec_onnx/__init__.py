"""The ONNX backend: specs become ONNX files, which ONNX Runtime runs.

Importing this package loads neither onnx nor onnxruntime.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from netspec.backend import Device, Form, Framework, Program, Quantization, gpu_present
from netspec.backend.declaration import Declaration, registered_layers
from netspec.data.preparation import Preparation
from netspec.numerics.weights import Array
from netspec_onnx.passes import PASSES

if TYPE_CHECKING:
    from netspec_onnx.session import OnnxPredictor


class OnnxBackend:
    """ONNX files and ONNX Runtime; see `netspec.backend.ExportingBackend` and `BenchedBackend`."""

    name = "onnx"
    frameworks = (
        Framework("onnx", ("onnx",)),
        Framework("onnxruntime", ("onnxruntime", "onnxruntime-gpu")),
    )
    forms = MappingProxyType(
        {
            "onnx": "ONNX Runtime fp32",
            "onnx-fp16": "ONNX Runtime fp16",
            "onnx-int8": "ONNX Runtime int8",
        }
    )

    passes = PASSES

    def declaration(self) -> Declaration:
        from netspec_onnx.lower import NOTES, lower

        return Declaration(registered_layers(lower, "TimeDistributed"), notes=NOTES)

    def devices(self) -> tuple[str, ...]:
        cuda = Framework("onnxruntime", ("onnxruntime-gpu",)).version
        return ("cpu", "cuda") if cuda and gpu_present() else ("cpu",)

    def predictor(self, program: Program, device: Device) -> OnnxPredictor:
        from netspec_onnx.session import OnnxPredictor

        return OnnxPredictor(self.export(program), device, program.taken_off)

    def form(
        self,
        name: str,
        program: Program,
        device: Device,
        examples: tuple[Array, ...],
    ) -> Form:
        content = self.export(program)
        if name == "onnx-fp16":
            content = self.quantize(content, "fp16", examples)
        elif name == "onnx-int8":
            content = self.quantize(content, "int8", examples)
        predictor = self.open(content, device)
        return Form(predictor.outputs, predictor.device)

    def export(
        self,
        program: Program,
        *,
        opset: int | None = None,
        raw_input: bool = False,
        metadata: Mapping[str, str] = MappingProxyType({}),
        preparation: Preparation | None = None,
    ) -> bytes:
        from netspec_onnx.model import export

        return export(
            program,
            opset=opset,
            raw_input=raw_input,
            metadata=metadata,
            preparation=preparation,
        )

    def open(self, content: bytes, device: Device) -> OnnxPredictor:
        from netspec_onnx.seal import remarks
        from netspec_onnx.session import OnnxPredictor

        predictor = OnnxPredictor(content, device)
        predictor.remarks += remarks(content, predictor.metadata)
        return predictor

    def quantize(self, content: bytes, to: Quantization, inputs: Sequence[NDArray[Any]]) -> bytes:
        from netspec_onnx.quantization import quantized
        from netspec_onnx.seal import sealed, unsealed

        return sealed(quantized(unsealed(content), to, inputs))


BACKEND = OnnxBackend()

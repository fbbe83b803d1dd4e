"""int8 files predict the same on an emulated Haswell (AVX2 without VNNI) as on this processor."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netspec_onnx import BACKEND
from onnx_backend.test_quantization import IMAGES, TWO, WORDS, content_of, examples
from processors.predict import predict
from saturating import with_8_bits

PROGRAM = Path(__file__).with_name("predict.py")
EMULATOR = shutil.which("qemu-x86_64")
TEXTS = {"images": IMAGES, "two": TWO, "words": WORDS}

pytestmark = pytest.mark.skipif(
    EMULATOR is None, reason="qemu-x86_64 is not installed (apt-get install qemu-user)"
)


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of int8 files with weights of 7 and 8 bits, their inputs, and outputs of a Haswell."""
    folder = tmp_path_factory.mktemp("files")
    for name, text in TEXTS.items():
        inputs = examples(text)
        content = BACKEND.quantize(content_of(text), "int8", inputs)
        (folder / f"{name}.onnx").write_bytes(content)
        (folder / f"{name}_8_bits.onnx").write_bytes(with_8_bits(content))
        for file in (name, f"{name}_8_bits"):
            np.savez(folder / f"{file}.inputs.npz", *inputs)
    command = [str(EMULATOR), "-cpu", "Haswell", sys.executable, str(PROGRAM), str(folder)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return folder


def largest_difference(folder: Path, name: str, *, integers: bool) -> float:
    """The largest difference between outputs of a Haswell and of this processor.

    `integers` is whether this processor uses integer products.
    """
    expected = predict(folder / f"{name}.onnx", optimized=integers)
    with np.load(folder / f"{name}.outputs.npz") as outputs:
        values = [outputs[key] for key in outputs.files]
    pairs = zip(values, expected, strict=True)
    return max(float(np.abs(value - other).max()) for value, other in pairs)


@pytest.mark.parametrize("name", TEXTS)
def test_int8_files_predict_the_same_without_vnni(name: str, emulated: Path) -> None:
    assert largest_difference(emulated, name, integers=True) < 1e-5


def test_weights_of_7_bits_predict_exactly(emulated: Path) -> None:
    assert largest_difference(emulated, "images", integers=False) < 1e-5


def test_weights_of_8_bits_overflow_without_vnni(emulated: Path) -> None:
    assert largest_difference(emulated, "images_8_bits", integers=False) > 1e-2

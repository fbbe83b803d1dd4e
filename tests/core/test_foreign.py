"""A file that is not a spec is recognized, and none of its bytes are shown."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from netspec.network import load
from netspec.text.diagnostics import SpecError


def archive(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(name, "secret")
    return content.getvalue()


def npy() -> bytes:
    content = io.BytesIO()
    np.save(content, np.arange(3))
    return content.getvalue()


def npz() -> bytes:
    content = io.BytesIO()
    np.savez(content, x_train=np.arange(3))
    return content.getvalue()


def safetensors() -> bytes:
    header = b'{"secret":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    return len(header).to_bytes(8, "little") + header + bytes(4)


TEXT = "netspec: 1\nname: secret\n"

# The first bytes of each type: https://en.wikipedia.org/wiki/List_of_file_signatures; an
# ONNX file begins with fields 1 and 2 of its ModelProto, a TensorFlow Lite file with its identifier.
BINARY = {
    "an HDF5 file, such as a Keras model (.h5)": b"\x89HDF\r\n\x1a\n\0\0\0secret",
    "a Keras model (.keras)": archive("metadata.json", "config.json", "model.weights.h5"),
    "a NumPy archive (.npz)": npz(),
    "a NumPy array (.npy)": npy(),
    "a PyTorch model (.pt)": archive("model/data.pkl", "model/version"),
    "an Office document": archive("[Content_Types].xml"),
    "a zip archive": archive("secret.txt"),
    "an ONNX model": b"\x08\x0a\x12\x07secret\x1a\x03\x31\x2e\x30",
    "a TensorFlow Lite model": b"\x1c\0\0\0TFL3secret",
    "a safetensors file of weights": safetensors(),
    "a Python pickle, which is never read": pickle.dumps({"secret": 1}),
    "a gzip archive": gzip.compress(b"secret"),
    "a PNG image": b"\x89PNG\r\n\x1a\nsecret",
    "a JPEG image": b"\xff\xd8\xff\xe0secret",
    "a PDF document": b"%PDF-1.7\nsecret",
    "UTF-16, not UTF-8": TEXT.encode("utf-16"),
    "UTF-32, not UTF-8": TEXT.encode("utf-32"),
    "binary, not a text": bytes(range(1, 200)) + b"secret",
}


@pytest.mark.parametrize("what", BINARY)
def test_a_binary_file_is_recognized(what: str, tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(BINARY[what])

    with pytest.raises(SpecError) as caught:
        load(path)

    (fault,) = caught.value.diagnostics
    assert fault.message == f"the file is {what}"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_called_utf16(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(TEXT.encode(encoding))

    with pytest.raises(SpecError) as caught:
        load(path)

    assert "the file is UTF-16, not UTF-8" in str(caught.value)


def test_a_large_binary_file_is_recognized(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(3 << 20))

    with pytest.raises(SpecError) as caught:
        load(path)

    assert "an HDF5 file" in str(caught.value)


# Shortened texts of the named programs.
TEXTS = {
    "a Keras model in JSON, as model.to_json() writes it": json.dumps(
        {"class_name": "Functional", "config": {}, "keras_version": "2.15.0"}
    ),
    "a Jupyter notebook": json.dumps(
        {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    ),
    "a model of Ultralytics YOLO": "nc: 80\nbackbone:\n  - [-1, 1, Conv, [64, 3, 2]]\nhead: []\n",
    "a data set of Ultralytics YOLO": "path: a\ntrain: images/train\nval: images/val\nnames: []\n",
    "a configuration of Hugging Face's transformers": '{"architectures": ["A"], "model_type": "a"}',
    "a workflow of GitHub Actions": "name: test\non: push\njobs: {}\n",
    "an environment of conda": "name: a\nchannels: [conda-forge]\ndependencies: [python]\n",
    "not a spec: it has none of a spec's fields": "colour: blue\n",
}


@pytest.mark.parametrize("what", TEXTS)
def test_another_programs_text_is_recognized(what: str, tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(TEXTS[what], encoding="utf-8")

    with pytest.raises(SpecError) as caught:
        load(path)

    (fault,) = caught.value.diagnostics
    assert fault.message == f"the file is {what}"


@pytest.mark.parametrize(
    "text", ["name: a\ninput: [8]\n", "Layers: []\n", "netspec: 1\njobs: {}\n"]
)
def test_a_spec_with_faults_is_called_a_spec(text: str, tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(SpecError) as caught:
        load(path)

    assert "the file is" not in str(caught.value)

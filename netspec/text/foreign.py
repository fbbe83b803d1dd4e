"""Files that are not specs, and what they are: by their first bytes, or by their keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

About: TypeAlias = tuple[str, str]
"""What a file is, and what to do instead."""

HEAD = 4096
"""How many bytes show what a file is."""

_NEW = "a spec is a YAML text; `netspec new NAME` writes one to start from"
_WEIGHTS = "a spec describes a network in YAML; `netspec new NAME` writes one to start from"
_ONNX = "`netspec evaluate`, `predict` and `bench` read ONNX files; a spec is a YAML text"
_ARRAYS = "name it in a spec, as in `data: {dataset: npz, path: FILE}`"
_UTF8 = "save the file as UTF-8"

_BEGINNINGS: dict[bytes, About] = {
    b"\x89HDF\r\n\x1a\n": ("an HDF5 file, such as a Keras model (.h5)", _WEIGHTS),
    b"\x93NUMPY": ("a NumPy array (.npy)", "put the arrays into an npz file; a spec names it"),
    b"\x89PNG\r\n\x1a\n": ("a PNG image", _NEW),
    b"\xff\xd8\xff": ("a JPEG image", _NEW),
    b"GIF8": ("a GIF image", _NEW),
    b"\x1f\x8b": ("a gzip archive", "unpack it first"),
    b"%PDF": ("a PDF document", _NEW),
    b"GGUF": ("a GGUF model", _WEIGHTS),
    b"SQLite format 3": ("an SQLite database", _NEW),
    b"PAR1": ("a Parquet table", _NEW),
    b"\x7fELF": ("a program", _NEW),
    **{
        bytes((0x80, protocol)): ("a Python pickle, which is never read", _WEIGHTS)
        for protocol in range(2, 6)
    },
    b"\xff\xfe\0\0": ("UTF-32, not UTF-8", _UTF8),
    b"\xff\xfe": ("UTF-16, not UTF-8", _UTF8),
    b"\xfe\xff": ("UTF-16, not UTF-8", _UTF8),
}

# By a part of the name of the first member.
_ZIPPED: dict[str, About] = {
    "metadata.json": ("a Keras model (.keras)", _WEIGHTS),
    "config.json": ("a Keras model (.keras)", _WEIGHTS),
    "model.weights.h5": ("a Keras model (.keras)", _WEIGHTS),
    ".npy": ("a NumPy archive (.npz)", _ARRAYS),
    "data.pkl": ("a PyTorch model (.pt)", _WEIGHTS),
    "[Content_Types].xml": ("an Office document", _NEW),
}

_KEYED: dict[tuple[str, ...], str] = {
    ("class_name", "config"): "a Keras model in JSON, as model.to_json() writes it",
    ("nbformat", "cells"): "a Jupyter notebook",
    ("input_features", "output_features"): "a configuration of Ludwig",
    ("backbone", "head"): "a model of Ultralytics YOLO",
    ("train", "val", "names"): "a data set of Ultralytics YOLO",
    ("transformers_version",): "a configuration of Hugging Face's transformers",
    ("architectures", "model_type"): "a configuration of Hugging Face's transformers",
    ("flavors",): "a model of MLflow",
    ("trainer", "model"): "a configuration of PyTorch Lightning",
    ("channels", "dependencies"): "an environment of conda",
    ("services",): "a configuration of Docker Compose",
    ("apiVersion", "kind"): "an object of Kubernetes",
    ("on", "jobs"): "a workflow of GitHub Actions",
    ("repos",): "a configuration of pre-commit",
    ("stages",): "a pipeline of DVC or GitLab",
    ("openapi",): "a description of an API",
}

_BEGIN = "a spec begins with `netspec: 1`; `netspec new NAME` writes one to start from"

_ONNX_VERSIONS = range(1, 32)  # of the format, the first field of onnx.proto's ModelProto
_ONNX_FIELDS = b"\x12\x1a\x22\x28\x32\x3a\x42"  # its fields after the version
_TEXT_CONTROLS = b"\t\n\v\f\r\x1b"


def of_bytes(head: bytes) -> About | None:
    """What a file with these first bytes is, where it is no text in UTF-8."""
    for beginning, about in _BEGINNINGS.items():
        if head.startswith(beginning):
            return about
    if head.startswith(b"PK\x03\x04"):
        return _of_archive(head)
    if head[:1] == b"\x08" and head[1:2] and head[1] in _ONNX_VERSIONS and head[2] in _ONNX_FIELDS:
        return "an ONNX model", _ONNX
    if head[4:8] == b"TFL3":
        return "a TensorFlow Lite model", _WEIGHTS
    if head[8:10] == b'{"' and not any(head[4:8]):
        return "a safetensors file of weights", _WEIGHTS
    zeros = head[:64].count(0)
    if zeros > 4 and zeros in (head[:64:2].count(0), head[1:64:2].count(0)):
        return "UTF-16, not UTF-8", _UTF8
    controls = sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in head)
    return ("binary, not a text", _NEW) if controls > len(head) // 20 else None


def _of_archive(head: bytes) -> About:
    """What a zip archive is; its first member's name is at byte 30 (APPNOTE.TXT, 4.3.7)."""
    length = int.from_bytes(head[26:28], "little")
    name = head[30 : 30 + length].decode(errors="replace")
    named = (about for part, about in _ZIPPED.items() if part in name)
    return next(named, ("a zip archive", "unpack it first"))


def of_data(data: Mapping[str, Any], known: frozenset[str]) -> About | None:
    """What YAML or JSON data are, where they are not meant as a spec, whose fields are `known`."""
    if "netspec" in data or not data:
        return None
    layers: Any = data.get("layers")
    if isinstance(layers, list) and any(map(_is_of_keras, cast("list[Any]", layers))):
        return _KEYED["class_name", "config"], _BEGIN
    if "layers" in data:
        return None
    for keys, what in _KEYED.items():
        if data.keys() >= set(keys):
            return what, _BEGIN
    folded = {key.lower() for key in data}
    return None if folded & known else ("not a spec: it has none of a spec's fields", _BEGIN)


def _is_of_keras(layer: object) -> bool:
    return isinstance(layer, dict) and {"class_name", "config"} <= layer.keys()  # pyright: ignore[reportUnknownMemberType] - data of any form

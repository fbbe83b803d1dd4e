"""The extras for GPU machines: each has one CUDA, and no wheel overwrites another's files."""

from __future__ import annotations

import io
import re
import tomllib
import zipfile
from functools import cache
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import gpu_wheels
import netspec.backend
import netspec_keras
from gpu_wheels import (
    CUDA_OF_EXTRA,
    ROOT,
    Wheel,
    collisions,
    constraints_file,
    cuda_majors,
    installed_files,
    requirements,
    resolve,
)

CUDNN = "nvidia/cudnn/lib/libcudnn.so.9"
NCCL = "nvidia/nccl/lib/libnccl.so.2"

# All extras together.
JOINT = ["onnxruntime-gpu[cuda,cudnn]>=1.31", "tensorflow[and-cuda]>=2.21", "torch>=2.9"]

extras = pytest.mark.parametrize("extra", CUDA_OF_EXTRA)


def constrained_versions(extra: str) -> dict[str, str]:
    text = constraints_file(extra).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {
        canonicalize_name(name): version for name, version in (line.split("==") for line in lines)
    }


def write_wheel(path: Path, files: dict[str, str]) -> str:
    """The URL of a new wheel with these contents, by path."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path.as_uri()


# constraints


@extras
def test_constraints_satisfy_the_extra(extra):
    versions = constrained_versions(extra)
    for requirement in map(Requirement, requirements(extra)):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)])


@extras
def test_constraints_have_one_cuda(extra):
    assert cuda_majors(constrained_versions(extra)) == {CUDA_OF_EXTRA[extra]}


@extras
def test_constraints_have_one_onnx_runtime(extra):
    names = {"onnxruntime", "onnxruntime-gpu"}
    assert len(names & constrained_versions(extra).keys()) == 1


def test_every_extra_with_cuda_is_tested():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    with_cuda = {
        extra
        for extra, entries in extras.items()
        if any(re.search(r"\[.*cuda.*\]", entry) for entry in entries)
    }
    assert with_cuda == set(CUDA_OF_EXTRA)


@pytest.mark.parametrize(
    ("installed", "devices"),
    [("nvidia-cudnn-cu12", ("cpu", "cuda")), ("nvidia-cudnn-cu13", ("cpu",))],
)
def test_only_cudnn_of_cuda_12_enables_keras_gpus(installed, devices, monkeypatch):
    def version(name: str) -> str:
        if name != installed:
            raise PackageNotFoundError(name)
        return "9.28.0.42"

    monkeypatch.setattr(netspec.backend.contract, "version", version)
    monkeypatch.setattr(netspec_keras, "gpu_present", lambda: True)
    assert netspec_keras.BACKEND.devices() == devices


# the comparison of wheels


@pytest.mark.parametrize(
    ("versions", "majors"),
    [
        ({"nvidia-cudnn-cu12": "9.28.0.42"}, {12}),
        ({"nvidia_nccl_cu13": "2.30.7"}, {13}),
        ({"nvidia-cuda-runtime": "13.0.96"}, {13}),
        ({"nvidia-cufft": "12.0.0.61"}, set()),
        ({"nvidia-cudnn-cu12": "9.28.0.42", "cuda-toolkit": "13.0.3"}, {12, 13}),
        ({"numpy": "2.4.6"}, set()),
    ],
    ids=str,
)
def test_cuda_major_of_distributions(versions, majors):
    assert cuda_majors(versions) == majors


def test_installed_files_are_read_from_a_wheel(tmp_path):
    files = {"a/b.py": "1", "a-1.data/purelib/c.py": "2", "a-1.data/scripts/d": "3"}
    url = write_wheel(tmp_path / "a.whl", files)
    assert installed_files(url).keys() == {"a/b.py", "c.py", "scripts/d"}


@pytest.mark.parametrize(("content", "paths"), [("12", []), ("13", [CUDNN])])
def test_collisions_are_paths_with_two_contents(tmp_path, content, paths):
    contents = {"nvidia-cudnn-cu12": "12", "nvidia-cudnn-cu13": content}
    wheels = [
        Wheel(name, "9.0", write_wheel(tmp_path / f"{name}.whl", {CUDNN: text, name: name}))
        for name, text in contents.items()
    ]
    assert list(collisions(wheels)) == paths


class Response(io.BytesIO):
    """A part of a file, as urllib returns it."""

    def __init__(self, part: bytes, status: int, headers: dict[str, str]) -> None:
        super().__init__(part)
        self.status, self.headers = status, headers


class Server:
    """A server in this process that sends parts of a file."""

    def __init__(self, content: bytes, status: int = 206) -> None:
        self.content, self.status, self.transferred = content, status, 0

    def __call__(self, request, timeout):
        first, last = map(int, re.findall(r"\d+", request.get_header("Range")))
        part = self.content[first : last + 1]
        self.transferred += len(part)
        headers = {"Content-Range": f"bytes {first}-{last}/{len(self.content)}"}
        return Response(part, self.status, headers)


def test_remote_wheel_is_read_in_part(tmp_path, monkeypatch):
    write_wheel(tmp_path / "a.whl", {"large": "x" * 1_000_000, "small": "y"})
    server = Server((tmp_path / "a.whl").read_bytes())
    monkeypatch.setattr(gpu_wheels, "urlopen", server)
    files = installed_files("https://example.invalid/a.whl")
    assert files == installed_files((tmp_path / "a.whl").as_uri())
    assert server.transferred < 200_000


def test_server_that_sends_whole_files_is_refused(monkeypatch):
    monkeypatch.setattr(gpu_wheels, "urlopen", Server(b"whole file", status=200))
    with pytest.raises(OSError, match="the server sends no part of"):
        installed_files("https://example.invalid/a.whl")


# what pip resolves now


@cache
def resolved(*requirements: str, constraints: Path | None = None) -> tuple[Wheel, ...]:
    return resolve(requirements, constraints)


def versions_of(wheels: tuple[Wheel, ...]) -> dict[str, str]:
    return {wheel.name: wheel.version for wheel in wheels}


@pytest.mark.nightly
@extras
def test_resolved_wheels_have_one_cuda(extra):
    assert cuda_majors(versions_of(resolved(*requirements(extra)))) == {CUDA_OF_EXTRA[extra]}


@pytest.mark.nightly
@extras
def test_resolved_wheels_overwrite_no_files(extra):
    assert collisions(resolved(*requirements(extra))) == {}


@pytest.mark.nightly
@extras
def test_constrained_wheels_overwrite_no_files(extra):
    wheels = resolved(*requirements(extra), constraints=constraints_file(extra))
    versions = constrained_versions(extra)
    assert all(versions[canonicalize_name(wheel.name)] == wheel.version for wheel in wheels)
    assert collisions(wheels) == {}


@pytest.mark.nightly
def test_joint_extra_overwrites_cudnn_and_nccl():
    wheels = resolved(*JOINT)
    assert cuda_majors(versions_of(wheels)) == {12, 13}
    names = collisions(wheels)
    assert names[CUDNN] == {"nvidia-cudnn-cu12", "nvidia-cudnn-cu13"}
    assert names[NCCL] == {"nvidia-nccl-cu12", "nvidia-nccl-cu13"}

"""Distributions that overwrite each other's files."""

from __future__ import annotations

from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from netspec.backend.environment import find_conflicts

CUDNN = "nvidia/cudnn/lib/libcudnn.so.9"
NCCL = "nvidia/nccl/lib/libnccl.so.2"
BINDING = "onnxruntime/capi/onnxruntime_pybind11_state.so"


@pytest.fixture
def install(tmp_path):
    """A function that installs a distribution with hashes of files, by path."""

    def install(name: str, files: dict[str, str], version: str = "1.0") -> list[Distribution]:
        folder = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (folder / "METADATA").write_text(metadata)
        records = [f"{path},sha256={hash},1" for path, hash in files.items()]
        (folder / "RECORD").write_text("\n".join([*records, f"{folder.name}/RECORD,,", ""]))
        for path in map(tmp_path.joinpath, files):  # Python 3.12 omits missing files
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return list(distributions(path=[str(tmp_path)]))

    return install


def test_empty_environment_has_no_conflict():
    assert find_conflicts([]) == ()


def test_one_cuda_is_no_conflict(install):
    install("nvidia-cudnn-cu13", {CUDNN: "a"})
    assert find_conflicts(install("nvidia-nccl-cu13", {NCCL: "b"})) == ()


def test_two_cudnn_builds_conflict(install):
    install("nvidia-cudnn-cu12", {CUDNN: "a"})
    (conflict,) = find_conflicts(install("nvidia-cudnn-cu13", {CUDNN: "b"}))
    assert conflict.distributions == ("nvidia-cudnn-cu12", "nvidia-cudnn-cu13")
    assert conflict.message.startswith("CUDA 12 and CUDA 13 overwrite each other's files: ")


def test_libraries_of_two_cuda_versions_are_one_conflict(install):
    for cuda in "12", "13":
        install(f"nvidia-cudnn-cu{cuda}", {CUDNN: cuda})
        environment = install(f"nvidia-nccl-cu{cuda}", {NCCL: cuda})
    (conflict,) = find_conflicts(environment)
    assert conflict.distributions == (
        "nvidia-cudnn-cu12",
        "nvidia-cudnn-cu13",
        "nvidia-nccl-cu12",
        "nvidia-nccl-cu13",
    )


def test_cuda_conflict_names_both_extras(install):
    install("nvidia-cudnn-cu12", {CUDNN: "a"})
    (conflict,) = find_conflicts(install("nvidia-cudnn-cu13", {CUDNN: "b"}))
    assert "'netspec[torch-gpu]'" in conflict.help
    assert "'netspec[keras-gpu]'" in conflict.help


def test_libraries_with_other_paths_are_no_conflict(install):
    install("nvidia-cusparselt-cu12", {"nvidia/cusparselt/lib/libcusparseLt.so.0": "a"})
    environment = install("nvidia-cusparselt-cu13", {"nvidia/cu13/lib/libcusparseLt.so.0": "b"})
    assert find_conflicts(environment) == ()


def test_equal_files_are_no_conflict(install):
    install("nvidia-nccl-cu12", {"nvidia/__init__.py": "empty"})
    environment = install("nvidia-nccl-cu13", {"nvidia/__init__.py": "empty"})
    assert find_conflicts(environment) == ()


def test_two_builds_of_onnx_runtime_conflict(install):
    install("onnxruntime", {BINDING: "cpu"})
    (conflict,) = find_conflicts(install("onnxruntime-gpu", {BINDING: "gpu"}))
    assert conflict.distributions == ("onnxruntime", "onnxruntime-gpu")
    assert "pip uninstall onnxruntime onnxruntime-gpu" in conflict.help


def test_names_are_compared_as_indexes_do(install):
    install("onnxruntime", {BINDING: "cpu"})
    (conflict,) = find_conflicts(install("OnnxRuntime_GPU", {BINDING: "gpu"}))
    assert conflict.distributions == ("onnxruntime", "onnxruntime-gpu")


def test_distribution_without_record_is_no_conflict(install, tmp_path: Path):
    install("onnxruntime", {BINDING: "cpu"})
    environment = install("onnxruntime-gpu", {BINDING: "gpu"})
    (tmp_path / "onnxruntime_gpu-1.0.dist-info/RECORD").unlink()
    assert find_conflicts(environment) == ()


def test_conflict_is_shown_as_a_warning_with_help(install):
    install("onnxruntime", {BINDING: "cpu"})
    (conflict,) = find_conflicts(install("onnxruntime-gpu", {BINDING: "gpu"}))
    first, second = str(conflict).splitlines()
    assert first == "warning: onnxruntime and onnxruntime-gpu overwrite each other's files"
    assert second == f"  help: {conflict.help}"

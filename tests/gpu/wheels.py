"""Downloads into .gpu what `make gpu` needs on a machine without a network.

These are small wheels at the versions of constraints.txt, netspec's wheel and MNIST, for a machine with
Linux and the same processor architecture.
"""

from __future__ import annotations

import argparse
import gzip
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".gpu"
WHEELS, MNIST = FOLDER / "wheels", FOLDER / "wheels" / "mnist"

LARGEST = 60_000_000
"""The maximum size of .gpu in bytes, so that it can be copied to the machine."""

PACKAGES = (
    "annotated-doc",
    "annotated-types",
    "attrs",
    "click",
    "hypothesis",
    "iniconfig",
    "jsonschema",
    "jsonschema-specifications",
    "ml-dtypes",
    "onnx",
    "packaging",
    "platformdirs",
    "pluggy",
    "pooch",
    "protobuf",
    "pydantic",
    "pydantic-core",
    "pygments",
    "pytest-timeout",
    "pyyaml",
    "referencing",
    "rpds-py",
    "safetensors",
    "shellingham",
    "sortedcontainers",
    "typing-extensions",
    "typing-inspection",
)
"""Small packages that a machine with PyTorch, NumPy, ONNX Runtime and pytest may lack."""

GLIBC = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014", "manylinux_2_12")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins() -> list[str]:
    """The packages, each with its version in constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {canonical(line.partition("==")[0]): line for line in lines if "==" in line}
    return [pins[name] for name in PACKAGES]


def download(python_version: str) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    platforms = [f"--platform={glibc}_{platform.machine()}" for glibc in GLIBC]
    target = [f"--python-version={python_version}", "--implementation=cp", *platforms]
    only_wheels = ["--only-binary=:all:", "--no-deps", "--quiet"]
    subprocess.run(
        [*pip, "download", f"--dest={WHEELS}", *only_wheels, *target, *read_pins()], check=True
    )
    subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", f"--wheel-dir={WHEELS}", "."], cwd=ROOT, check=True
    )


def pack_mnist() -> None:
    from netspec.data.cache import cache_dir
    from netspec.data.mnist import FILES, load_mnist

    load_mnist()  # fetches missing files
    MNIST.mkdir()
    for file in FILES.values():
        content = (cache_dir() / "mnist" / file.name).read_bytes()
        (MNIST / f"{file.name}.gz").write_bytes(gzip.compress(content, mtime=0))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("python_version", help="of the machine, as in 3.12")
    python_version = options.parse_args().python_version
    if WHEELS.exists():
        shutil.rmtree(WHEELS)
    WHEELS.mkdir(parents=True)
    download(python_version)
    pack_mnist()
    files = [path for path in WHEELS.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"{len(files)} files, {size / 1e6:.1f} MB, in {WHEELS.relative_to(ROOT)}")
    if size > LARGEST:
        raise SystemExit(f"that is more than {LARGEST / 1e6:.0f} MB")


if __name__ == "__main__":
    main()

"""Runs the GPU tests and the GPU benchmarks within nine minutes, with the machine's own Python.

Missing packages are installed from .gpu/wheels, which `make gpu-wheels` fills. A part that does not
fit into the time is skipped and reported. Each part writes its results before the next one begins.
"""

from __future__ import annotations

import argparse
import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".gpu"
WHEELS, SITE, CACHE = FOLDER / "wheels", FOLDER / "site", FOLDER / "cache"
LINES = FOLDER / "tests.jsonl"

TOTAL = 525
"""Seconds of all parts: nine minutes without the start and the end."""

SHORTEST = 10
"""The minimum of remaining seconds for a part to begin."""

FINISH = 10
"""Seconds to finish after the time of a part is over."""

TESTS = ("test_capture.py", "test_training.py", "test_onnx.py", "test_keras.py", "test_layers.py")
"""The tests in their order: the most informative tests come first."""


@dataclass(frozen=True)
class Part:
    """A command, and its maximum of seconds."""

    name: str
    seconds: int
    command: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


def canonical(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()


def is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def install_missing() -> None:
    """Install missing packages into .gpu/site. Nothing on the machine is replaced."""
    names = {wheel: canonical(wheel.name.partition("-")[0]) for wheel in WHEELS.glob("*.whl")}
    missing = [wheel for wheel, name in names.items() if not is_installed(name)]
    present = sorted(name for wheel, name in names.items() if wheel not in missing)
    print(f"installed already: {', '.join(present) or 'nothing'}")
    if not missing:
        return
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps", "--upgrade", f"--target={SITE}"]
    subprocess.run([*pip, *offline, *map(str, missing)], check=True)
    print(f"from .gpu/wheels: {', '.join(sorted(names[wheel] for wheel in missing))}")


def unpack_mnist() -> None:
    (CACHE / "mnist").mkdir(parents=True, exist_ok=True)
    for file in (WHEELS / "mnist").glob("*.gz"):
        target = CACHE / "mnist" / file.stem
        if not target.exists():
            target.write_bytes(gzip.decompress(file.read_bytes()))


def environment(*, rehearse: bool) -> dict[str, str]:
    """An environment whose PYTHONPATH has the checkout, the installed packages, and its former value."""
    before = os.environ.get("PYTHONPATH")
    folders = [ROOT, ROOT / "backends", SITE, *([before] if before else [])]
    changes = {
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "PYTHONUNBUFFERED": "1",
        "NETSPEC_GPU_TESTS": str(LINES),
    }
    if any((CACHE / "mnist").glob("*")):
        changes["NETSPEC_CACHE"] = str(CACHE)
    if rehearse:
        changes["CUDA_VISIBLE_DEVICES"] = ""
    return os.environ | changes


def parts(results: Path, *, rehearse: bool) -> tuple[Part, ...]:
    """All parts, the most important first."""
    python = (sys.executable, "-m")
    # pytest-timeout may be missing, and pyproject.toml sets it: unknown settings are no error here.
    # A warning of a library is shown, and does not fail the tests.
    settings = ("-o", "addopts=--import-mode=importlib", "-W", "default", "-p", "no:cacheprovider")
    settings += ("-o", "timeout=60") if find_spec("pytest_timeout") or SITE.exists() else ()
    tests = [str(ROOT / "tests" / "gpu" / name) for name in TESTS]
    quick = ("--device=cpu", "--quick") if rehearse else ()
    # These networks are too small for several threads.
    one_thread = {"OMP_NUM_THREADS": "1"}

    def benchmark(name: str, seconds: int, *more: str) -> Part:
        command = (*python, "benchmarks.gpu", name, *quick, f"--json={results}", *more)
        return Part(name, seconds, command, one_thread if rehearse else {})

    return (
        Part("backends", 60, (*python, "netspec", "backends")),
        Part("tests", 210, (*python, "pytest", "-q", "-m", "gpu", *settings, *tests), one_thread),
        benchmark("tests", 40, f"--lines={LINES}"),
        benchmark("epochs", 110),
        benchmark("batches", 120),
        benchmark("time_to_99", 100),
        benchmark("processes", 80),
        benchmark("keras", 80),
    )


def run(part: Part, seconds: float, variables: Mapping[str, str]) -> str:
    """Run a part for a maximum of seconds, and return its outcome."""
    env = {**variables, **part.variables}
    process = subprocess.Popen(part.command, cwd=ROOT, env=env, start_new_session=True)
    # First an interrupt, so that pytest reports its results; then the whole process group is killed.
    for wait, end in ((seconds, signal.SIGINT), (FINISH, signal.SIGKILL)):
        try:
            status = process.wait(wait)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, end)
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        else:
            outcome = "done" if status == 0 else f"failed with status {status}"
            return outcome if end == signal.SIGINT else f"stopped after {seconds:.0f} s"
    process.wait()
    return f"stopped after {seconds:.0f} s"


def sees_gpu(variables: Mapping[str, str]) -> bool:
    code = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, env=variables, stderr=subprocess.DEVNULL, check=False)
    return process.returncode == 0


def main() -> None:
    began = monotonic()
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rehearse", action="store_true", help="a short run on the CPU")
    options.add_argument("--results", type=Path, help="the folder of the JSON files")
    arguments = options.parse_args()
    usual = FOLDER / "rehearsal" if arguments.rehearse else ROOT / "benchmarks" / "results"
    results = (arguments.results or usual).absolute()
    install_missing()
    unpack_mnist()
    LINES.unlink(missing_ok=True)
    variables = environment(rehearse=arguments.rehearse)
    if not arguments.rehearse and not sees_gpu(variables):
        raise SystemExit("PyTorch sees no GPU; REHEARSE=1 runs a part of everything on the CPU")
    outcomes: list[tuple[Part, float, str]] = []
    for part in parts(results, rehearse=arguments.rehearse):
        time_left = TOTAL - (monotonic() - began) - FINISH
        print(f"== {' '.join(part.command[1:4])}", flush=True)
        start = monotonic()
        outcome = "left out, for no time is left"
        if time_left >= SHORTEST:
            outcome = run(part, min(part.seconds, time_left), variables)
        outcomes.append((part, monotonic() - start, outcome))
    print(f"\n{'seconds':>8}  part")
    for part, seconds, outcome in outcomes:
        print(f"{seconds:8.1f}  {part.name} ({part.command[2]}): {outcome}")
    print(f"{monotonic() - began:8.1f}  all; the results are in {results}")
    if any(outcome.startswith("failed") for _, _, outcome in outcomes):
        sys.exit(1)


if __name__ == "__main__":
    main()

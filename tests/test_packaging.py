"""The wheel: what is in it, and that it works where nothing of the checkout is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from email import message_from_bytes
from pathlib import Path

import pytest

from netspec.language.vocabulary import json_schema

ROOT = Path(__file__).parents[1]
PACKAGES = {"netspec", "netspec_keras", "netspec_torch", "netspec_onnx"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    run(*command, folder=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with nothing in it but what the wheel installs."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    run("-m", "pip", "install", *options, "--target", str(folder), str(wheel), folder=folder)
    return folder


def run(*arguments: str, folder: Path, path: Path | None = None) -> str:
    """What Python prints, outside the checkout, with `path` before the installed packages."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path:
        environment["PYTHONPATH"] = str(path)
    command = [sys.executable, *arguments]
    process = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def test_the_wheel_holds_the_core_and_the_backends_and_nothing_else(names):
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_the_wheel_holds_every_module_of_the_checkout(names):
    folders = [ROOT / "netspec", *(ROOT / "backends").iterdir()]
    modules = {
        path.relative_to(folder.parent).as_posix()
        for folder in folders
        for path in folder.rglob("*.py")
    }
    assert {name for name in names if name.endswith(".py")} == modules


def test_the_wheel_says_that_it_is_typed(names):
    assert "netspec/py.typed" in names


def test_the_wheel_holds_the_licence(names):
    assert any(re.fullmatch(r"netspec-.*\.dist-info/licenses/LICENSE", name) for name in names)


def test_the_wheel_has_the_schema_that_netspec_prints(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert json.loads(archive.read("netspec/netspec.schema.json")) == json_schema()


def test_the_wheel_holds_the_specs(names):
    specs = {f"netspec/specs/{path.name}" for path in (ROOT / "specs").iterdir()}
    assert {name for name in names if name.startswith("netspec/specs/")} == specs


def test_the_wheel_holds_no_tests_and_no_caches(names):
    unwanted = [name for name in names if name.startswith("tests/") or "__pycache__" in name]
    assert unwanted == []
    assert [name for name in names if "/test_" in name or "conftest" in name] == []


def test_the_wheel_names_the_command_and_the_backends(wheel, names):
    (path,) = (name for name in names if name.endswith("entry_points.txt"))
    points = ConfigParser()
    with zipfile.ZipFile(wheel) as archive:
        points.read_string(archive.read(path).decode())
    assert {section: dict(points[section]) for section in points.sections()} == {
        "console_scripts": {"netspec": "netspec.cli:main"},
        "netspec.backends": {
            "keras": "netspec_keras:BACKEND",
            "torch": "netspec_torch:BACKEND",
            "onnx": "netspec_onnx:BACKEND",
        },
    }


def test_only_the_extra_digits_installs_scikit_learn(wheel, names):
    (path,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    with zipfile.ZipFile(wheel) as archive:
        metadata = message_from_bytes(archive.read(path))
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "sci" in line]
    assert needed == ["scikit-learn>=1.6; extra == 'digits'"]


def test_an_installed_wheel_is_what_python_imports(installed, tmp_path):
    shown = run("-c", "import netspec; print(netspec.__file__)", folder=tmp_path, path=installed)
    assert Path(shown.strip()) == installed / "netspec/__init__.py"


def test_an_installed_wheel_finds_its_backends(installed, tmp_path):
    program = (
        "from netspec.backend import find\n"
        "import sys\n"
        "names = ['keras', 'onnx', 'torch']\n"
        "modules = [sys.modules[type(find(name, framework=False)).__module__] for name in names]\n"
        "print(*(module.__file__ for module in modules), sep='\\n')\n"
    )
    files = run("-c", program, folder=tmp_path, path=installed).splitlines()
    names = "netspec_keras", "netspec_onnx", "netspec_torch"
    assert [Path(file) for file in files] == [installed / name / "__init__.py" for name in names]


def test_an_installed_wheel_prints_the_table_of_the_tutorial(installed, tmp_path):
    (tmp_path / "spec.yaml").write_bytes((ROOT / "specs/mnist_cnn.yaml").read_bytes())
    program = (
        "import sys; from netspec.cli import main; sys.argv[1:] = ['summary', 'spec.yaml']; main()"
    )
    shown = run("-c", program, folder=tmp_path, path=installed)
    assert re.search(r"^Parameters +93,322$", shown, re.MULTILINE)


def test_an_installed_wheel_writes_a_spec_of_a_template(installed, tmp_path):
    program = (
        "import sys; from netspec.cli import main; "
        "sys.argv[1:] = ['new', 'mine', '--template', 'mnist']; main()"
    )
    run("-c", program, folder=tmp_path, path=installed)
    first, *lines = (tmp_path / "mine.yaml").read_text("utf-8").splitlines()
    schema = (installed / "netspec/netspec.schema.json").as_uri()
    assert first == f"# yaml-language-server: $schema={schema}"
    assert "name: mine" in lines

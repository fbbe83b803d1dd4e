"""The places of the files of a data set: relative to any folder, and in another folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.data.location import relocated, with_data
from netspec.network import Network, loads
from netspec.text.diagnostics import DataError

NPZ = "{dataset: npz, path: PATH}"
IDX = "{dataset: idx, train_images: a, train_labels: sub/b, test_images: c, test_labels: /abs/d}"


def network(data: str, folder: Path = Path()) -> Network:
    return loads(
        f"netspec: 1\nname: n\ninput: [4]\nlayers: [Dense: {{units: 2}}]\ndata: {data}\n", folder
    )


def files(spec) -> list[str]:
    return list(spec.data.paths.values())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("x.npz", "../../x.npz"),
        ("data/x.npz", "../../data/x.npz"),
        ("runs/one/x.npz", "x.npz"),
        ("../x.npz", "../../../x.npz"),
        ("ABSOLUTE/x.npz", "../../x.npz"),
    ],
)
def test_a_path_is_seen_from_another_folder(path, expected, tmp_path):
    spec = network(NPZ.replace("PATH", path.replace("ABSOLUTE", str(tmp_path)))).spec
    assert files(relocated(spec, tmp_path, tmp_path / "runs" / "one")) == [expected]


def test_every_file_of_a_data_set_is_relocated(tmp_path):
    paths = files(relocated(network(IDX).spec, tmp_path, tmp_path / "run"))
    assert paths[:3] == ["../a", "../sub/b", "../c"]
    assert not Path(paths[3]).is_absolute()
    assert (tmp_path / "run" / paths[3]).resolve() == Path("/abs/d").resolve()


@pytest.mark.parametrize("name", ["a\\0b.npz", "a\\0b/c.npz", "x" * 300])
def test_a_path_that_no_file_has_stays_relative(name, tmp_path):
    spec = network(NPZ.replace("PATH", f'"{name}"')).spec
    (path,) = files(relocated(spec, tmp_path, tmp_path / "run"))
    assert not Path(path).is_absolute()


def test_data_are_read_from_another_folder(tmp_path):
    paths = files(with_data(network(IDX), tmp_path).spec)
    assert paths == [str(tmp_path.resolve() / name) for name in "abcd"]


def test_four_files_are_not_read_from_one(tmp_path):
    with pytest.raises(DataError, match="has 4 files"):
        with_data(network(IDX), tmp_path / "x.npz")


def test_a_data_set_without_files_has_no_place(tmp_path):
    spec = "netspec: 1\nname: n\ninput: [8, 8, 1]\nlayers: [Flatten]\ndata: {dataset: digits}\n"
    with pytest.raises(DataError, match="digits, which is not read from a path"):
        with_data(loads(spec), tmp_path)

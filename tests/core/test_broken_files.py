"""Files of data that are broken at random: each is named in an error, or no example is lost."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

from broken_files import broken
from netspec.data import load
from netspec.data.columnar import open_columnar
from netspec.data.delimited import TextFormat, open_delimited
from netspec.text.diagnostics import DataError, NetspecError

SECONDS = 5
"""The limit for one input."""

MAX_MESSAGE = 5_000  # characters

FOUND = (1487, 2047, 2145, 10105, 10705)
"""Seeds that ended in an error of Python's csv, or in a message of 100,000 characters."""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETSPEC_CACHE", str(tmp_path / "cache"))


@contextmanager
def limited(seed: int) -> Iterator[None]:
    """Stop what takes longer than `SECONDS`."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"seed {seed} takes more than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def check(folder: Path, seed: int) -> None:
    """An error names the file; without an error, every example of the file is there."""
    folder.mkdir()
    case = broken(folder, seed)
    try:
        with limited(seed):
            dataset = load(case.network)
    except NetspecError as error:
        text = str(error)
        # A label that became another class is an error of the network.
        assert case.file in text or "the network ends in 2 units" in text, (seed, text)
        assert len(text) < MAX_MESSAGE, (seed, len(text))
        return
    parts = (dataset.train, dataset.validation, dataset.test)
    expected = case.examples()
    if expected is not None:
        assert sum(len(part) for part in parts if part is not None) == expected, seed


def test_broken_files_are_named(tmp_path):
    for seed in (*range(40), *FOUND):
        check(tmp_path / str(seed), seed)


@pytest.mark.nightly
def test_two_thousand_broken_files_are_named(tmp_path):
    for seed in range(10_000, 12_000):
        check(tmp_path / str(seed), seed)


def test_a_byte_zero_is_named_with_its_line(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"size,kind\n1,a\n2,\0b\n")
    with pytest.raises(DataError, match=r"rows.csv:3 has a byte 0, which no text has"):
        open_delimited(path, path.name, TextFormat())


def test_a_long_value_is_no_open_quotation_mark(tmp_path):
    path = tmp_path / "rows.csv"
    # An odd number of marks, all of which are closed or inside of a value.
    path.write_text(f'size,kind\n1,"{"x" * 200_000}"\n2,5" b\n')
    file = open_delimited(path, path.name, TextFormat())
    assert [values[0] for _, values in file.rows()] == ["1", "2"]


def test_a_reason_has_no_path_of_pyarrow(tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1" + b"abc" * 100)
    with pytest.raises(DataError) as caught:
        open_columnar(path, path.name, "parquet")
    message = "rows.parquet cannot be read: Parquet magic bytes not found in footer."
    assert caught.value.message.startswith(message)
    assert str(tmp_path) not in caught.value.message

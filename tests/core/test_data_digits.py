"""The digits of scikit-learn, compared with its documentation (load_digits)."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from netspec.data.sources.digits import load_digits
from netspec.text.diagnostics import DataError


@pytest.fixture(scope="module")
def digits() -> dict[str, np.ndarray]:
    pytest.importorskip("sklearn")
    return load_digits()


def test_first_1500_samples_train_and_297_test(digits: dict[str, np.ndarray]) -> None:
    assert {key: array.shape for key, array in digits.items()} == {
        "x_train": (1500, 8, 8),
        "y_train": (1500,),
        "x_test": (297, 8, 8),
        "y_test": (297,),
    }


def test_all_values_are_bytes(digits: dict[str, np.ndarray]) -> None:
    assert {array.dtype for array in digits.values()} == {np.dtype(np.uint8)}


def test_pixels_are_counts_from_0_to_16(digits: dict[str, np.ndarray]) -> None:
    pixels = np.concatenate([digits["x_train"], digits["x_test"]])
    assert (pixels.min(), pixels.max()) == (0, 16)


def test_first_sample_is_the_zero_of_the_documentation(digits: dict[str, np.ndarray]) -> None:
    # The rows printed in https://scikit-learn.org/stable/tutorial/basic/tutorial.html.
    assert digits["x_train"][0, :2].tolist() == [
        [0, 0, 5, 13, 9, 1, 0, 0],
        [0, 0, 13, 15, 10, 15, 5, 0],
    ]
    assert digits["y_train"][:10].tolist() == list(range(10))


def test_each_class_has_about_180_samples(digits: dict[str, np.ndarray]) -> None:
    counts = np.bincount(np.concatenate([digits["y_train"], digits["y_test"]]))
    # optdigits.names of the UCI repository has these counts. The digits are its testing set.
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_missing_scikit_learn_answers_with_the_install_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(DataError, match="not installed") as caught:
        load_digits()
    assert caught.value.help == "pip install 'netspec[digits]'"

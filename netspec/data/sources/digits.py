"""The data set `digits` of scikit-learn: small, and there without a download."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from netspec.data.sources import Source
from netspec.language.data import Promise
from netspec.text.diagnostics import DataError

if TYPE_CHECKING:
    import numpy as np

    from netspec.data.table import Request, Table

TRAINING = 1500  # the first of the 1,797 samples; the others are the test set


class Digits(Source):
    """scikit-learn's handwritten digits, 8x8, from 0 to 16: 1,500 to train with, 297 to test."""

    dataset: Literal["digits"]

    @property
    def promise(self) -> Promise:
        return Promise(image_shape=(8, 8, 1), classes=10, value_range=(0, 16), preparation="digits")

    def open(self, folder: Path, request: Request) -> Table:
        from netspec.data.table import Table

        return Table.from_arrays(load_digits(), self.promise.value_range)


def load_digits() -> dict[str, np.ndarray]:
    """The arrays x_train (1500, 8, 8), y_train (1500,), x_test (297, 8, 8) and y_test (297,).

    All are uint8: the pixels are counts from 0 to 16, the labels digits. Raises DataError where
    scikit-learn is not installed.
    """
    import numpy as np

    try:
        # scikit-learn ships no types.
        from sklearn import datasets  # pyright: ignore[reportMissingTypeStubs]  # see above
    except ModuleNotFoundError as error:
        message = "the data set digits comes with scikit-learn, which is not installed"
        raise DataError(message, "pip install 'netspec[digits]'") from error
    # The cast selects the one of two return types that belongs to `return_X_y`.
    data = cast("tuple[np.ndarray, np.ndarray]", datasets.load_digits(return_X_y=True))
    images, labels = data[0].reshape(-1, 8, 8).astype(np.uint8), data[1].astype(np.uint8)
    return {
        "x_train": images[:TRAINING],
        "y_train": labels[:TRAINING],
        "x_test": images[TRAINING:],
        "y_test": labels[TRAINING:],
    }

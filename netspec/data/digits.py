"""The handwritten digits that come with scikit-learn: small, and there without a download."""

from __future__ import annotations

from typing import cast

import numpy as np

from netspec.text.diagnostics import DataError

TRAINING = 1500  # the first of the 1,797 samples; the others are the test set


def load_digits() -> dict[str, np.ndarray]:
    """The arrays x_train (1500, 8, 8), y_train (1500,), x_test (297, 8, 8) and y_test (297,).

    All are uint8: the pixels are counts from 0 to 16, the labels digits. Raises DataError where
    scikit-learn is not installed.
    """
    try:
        # Here, for it takes a second; scikit-learn ships no types.
        from sklearn import datasets  # pyright: ignore[reportMissingTypeStubs]  # see above
    except ModuleNotFoundError as error:
        message = "the data set digits comes with scikit-learn, which is not installed"
        raise DataError(message, "pip install scikit-learn") from error
    # The cast says which of its two returns `return_X_y` chooses.
    data = cast("tuple[np.ndarray, np.ndarray]", datasets.load_digits(return_X_y=True))
    images, labels = data[0].reshape(-1, 8, 8).astype(np.uint8), data[1].astype(np.uint8)
    return {
        "x_train": images[:TRAINING],
        "y_train": labels[:TRAINING],
        "x_test": images[TRAINING:],
        "y_test": labels[TRAINING:],
    }

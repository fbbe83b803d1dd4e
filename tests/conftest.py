"""What all tests share: the --update flag, and the cases that this environment cannot compute."""

from __future__ import annotations

import gc

import pytest

from processor import tensorflow_uses_onednn

WITHOUT_KERNEL = (
    "TensorFlow without oneDNN (TF_ENABLE_ONEDNN_OPTS=0) has no kernel for transposed convolutions "
    "with a dilation"
)


collect_ignore = ["reference"]  # a package with tests for where it is installed


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="rewrite golden files from the output of the code"
    )


def pytest_configure() -> None:
    """Collect garbage rarely: the frameworks' objects are millions, and looking at them takes long."""
    gc.set_threshold(100_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the cases whose expected values TensorFlow cannot compute without oneDNN."""
    if tensorflow_uses_onednn():
        return
    for item in items:
        if isinstance(item, pytest.Function) and is_dilated_transposed(item):
            item.add_marker(pytest.mark.skip(reason=WITHOUT_KERNEL))


def is_dilated_transposed(item: pytest.Function) -> bool:
    """Whether a case of the conformance table has a transposed convolution with a dilation."""
    from netspec.testing.cases import Case

    parameters = getattr(item, "callspec", None) and item.callspec.params.values()
    return any(
        "Transpose" in layer and "dilation_rate" in layer
        for value in parameters or ()
        if isinstance(value, Case)
        for layer in value.layers
    )

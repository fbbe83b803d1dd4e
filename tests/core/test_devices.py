"""The names of devices are read, and wrong ones are errors."""

from __future__ import annotations

import pytest

from netspec.backend.devices import DeviceName, parse_device
from netspec.text.diagnostics import BackendError


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("auto", DeviceName("auto")),
        ("cpu", DeviceName("cpu")),
        ("cuda", DeviceName("cuda", 0)),
        ("cuda:0", DeviceName("cuda", 0)),
        ("cuda:12", DeviceName("cuda", 12)),
        ("tensorrt", DeviceName("tensorrt")),
    ],
)
def test_a_name_is_read(text, device):
    assert parse_device(text) == device


@pytest.mark.parametrize("text", ["", "gpu", "cuda:", "cuda:-1", "cuda:one", "cuda:1000", "cpu:0"])
def test_another_name_is_an_error(text):
    with pytest.raises(BackendError, match="there is no device named"):
        parse_device(text)


def test_a_close_name_is_suggested():
    with pytest.raises(BackendError) as caught:
        parse_device("cudaa")
    assert caught.value.help == "did you mean cuda?"

"""Every flipped bit in an exported file is noticed."""

from __future__ import annotations

import random

import numpy as np
import onnx
import pytest

from netspec.backend import find_exporting
from netspec.network import loads
from netspec.numerics.initial import initial
from netspec.text.diagnostics import BackendError
from netspec_onnx.seal import KEY, UNSEALED, is_sealed, unsealed
from saturating import without_hash

SPEC = """\
netspec: 1
name: small
input: [4, 4, 1]
layers:
  - Conv2D: {filters: 2, kernel_size: 3, activation: relu}
  - Flatten
  - Dense: {units: 3, activation: softmax}
"""
FLIPS = 60


@pytest.fixture(scope="module")
def content() -> bytes:
    network = loads(SPEC)
    weights = initial(network.graph, 0)
    return find_exporting("onnx").export(network, weights, opset=None, raw_input=False)


def test_a_file_ends_in_its_hash_and_is_an_onnx_model(content):
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model)
    assert is_sealed(content)
    assert model.metadata_props[-1].key == KEY


def test_a_sealed_file_opens_without_a_remark(content):
    assert find_exporting("onnx").open(content, "cpu").remarks == ()


def test_every_flipped_bit_is_noticed(content):
    target, drawn = find_exporting("onnx"), random.Random(0)
    x = np.ones((1, 4, 4, 1), np.float32)
    expected = target.open(content, "cpu").predict(x)
    unnoticed = []
    for bit in (drawn.randrange(8 * len(content)) for _ in range(FLIPS)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            opened = target.open(bytes(damaged), "cpu")
        except BackendError:
            continue
        if not opened.remarks or not np.array_equal(opened.predict(x), expected):
            unnoticed.append(bit)
    assert unnoticed == []


def test_a_changed_weight_is_told(content):
    model = onnx.load_from_string(content)
    weight = next(constant for constant in model.graph.initializer if constant.raw_data)
    weight.raw_data = weight.raw_data[:-1] + b"\x40"
    with pytest.raises(BackendError, match="is damaged, or was changed after netspec wrote it"):
        find_exporting("onnx").open(model.SerializeToString(), "cpu")


def test_a_file_of_an_older_netspec_opens_with_a_remark(content):
    assert find_exporting("onnx").open(without_hash(content), "cpu").remarks == (UNSEALED,)


def test_a_file_that_is_cut_off_before_its_hash_is_refused(content):
    with pytest.raises(BackendError, match="is damaged"):
        find_exporting("onnx").open(unsealed(content), "cpu")


@pytest.mark.parametrize("kind", ["int8", "fp16"])
def test_a_smaller_file_has_a_hash_of_its_own(content, kind):
    x = np.random.default_rng(0).random((8, 4, 4, 1), np.float32)
    smaller = find_exporting("onnx").quantize(content, kind, (x,))
    assert is_sealed(smaller)
    keys = [entry.key for entry in onnx.load_from_string(smaller).metadata_props]
    assert keys.count(KEY) == 1

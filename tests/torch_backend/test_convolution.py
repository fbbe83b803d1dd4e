"""Generated PyTorch modules of convolutions: initial values, and memory formats."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from netspec.backend import execute, find_training
from netspec.testing.cases import Case, chain, joined
from netspec.testing.networks import of_case

torch = pytest.importorskip("torch")

PLANE = "Conv2D: {filters: 3, kernel_size: 2, inputs: a}"
VOLUME = "Conv3DTranspose: {filters: 3, kernel_size: 2, inputs: b}"


def build_module(case: Case) -> Any:  # Any: the generated module's class
    return execute(find_training("torch").source(of_case(case)), "tested").build_model()


@pytest.mark.parametrize("multiplier", [1, 3])
def test_orthogonal_depthwise_kernels_have_keras_axes(multiplier: int) -> None:
    fields = f"kernel_size: [2, 3], depth_multiplier: {multiplier}"
    initial = "depthwise_initializer: {orthogonal: {gain: 0.5}}"
    model = build_module(chain((4, 4, 2), f"DepthwiseConv2D: {{{fields}, {initial}, name: layer}}"))

    kernel = model.layer.weight.detach().reshape(2, multiplier, 2, 3).permute(2, 3, 0, 1)

    matrix = kernel.reshape(-1, multiplier).numpy()
    np.testing.assert_allclose(matrix.T @ matrix, 0.25 * np.eye(multiplier), 0, 1e-6)


def test_a_module_of_images_is_channels_last() -> None:
    model = build_module(
        chain((6, 6, 4), "SeparableConv2D: {filters: 4, kernel_size: 2, name: one}", "Flatten")
    )

    for convolution in (model.one.depthwise, model.one.pointwise):
        assert convolution.weight.is_contiguous(memory_format=torch.channels_last)


def test_images_and_volumes_keep_their_memory_formats() -> None:
    shapes = {"a": (4, 4, 4), "b": (4, 4, 4, 4)}
    model = build_module(joined(shapes, PLANE, VOLUME, "output: [conv2d, conv3d_transpose]"))

    volume = model.conv3d_transpose.weight
    assert model.conv2d.weight.is_contiguous(memory_format=torch.channels_last)
    assert volume.is_contiguous(memory_format=torch.channels_last_3d)

"""Trainings on a GPU equal trainings on the CPU; streamed, resumed and 16-bit trainings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from conformance.networks import found_training
from gpu.machine import DEVICE, only_on_gpu
from netspec.api import loads
from netspec.data import Examples, streaming
from netspec.runs.training import train
from netspec.testing.networks import network, random_weights
from netspec.text.diagnostics import BackendError
from torch_backend.recorded import (
    check_same,
    epochs_of,
    examples_of,
    train_network,
    trainer_of,
    without_dropout,
)

DIGITS = """\
netspec: 1
name: digits
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 8, kernel_size: 3, activation: relu}
  - BatchNormalization: {momentum: 0.9}
  - Flatten
  - Dense: {units: 10, activation: softmax}
data: {dataset: digits, scale: 16}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: {learning_rate: 0.01}}
  epochs: 2
  batch_size: 50
  precision: float32
"""

PRECISIONS = ("float32", "tf32", "mixed_bfloat16", "mixed_float16")

EAGER = {
    "accumulation": ("sgd: {momentum: 0.9}", {"gradient_accumulation_steps": 2}),
    "averages": ("sgd: {use_ema: true, ema_momentum: 0.9}", {}),
    "averages that overwrite": ("sgd: {use_ema: true, ema_overwrite_frequency: 3}", {}),
}


@pytest.mark.parametrize("name", EAGER)
def test_unequal_steps_equal_the_cpus(name):
    optimizer, more = EAGER[name]
    tested = without_dropout(optimizer, **more)
    check_same(train_network(tested, DEVICE), train_network(tested), 1e-3, 1e-4)


def test_averages_replace_the_weights():
    tested = without_dropout("sgd: {use_ema: true, ema_momentum: 0.9}")
    averages = []
    for device in (DEVICE, "cpu"):
        trainer = trainer_of(tested, device)
        [*epochs_of(trainer)]
        trainer.swap_averages()
        averages.append(trainer.weights())
    for key, value in averages[1].items():
        np.testing.assert_allclose(averages[0][key], value, 1e-3, 1e-4, err_msg=key)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_16_bits_differ_by_rounding(precision):
    _, steps = train_network(without_dropout("sgd", precision=precision), DEVICE)
    _, exact = train_network(without_dropout("sgd"))
    for report, expected in zip(steps, exact, strict=True):
        np.testing.assert_allclose(report.losses, expected.losses, rtol=0.05, atol=0.05)


def test_the_scale_of_the_loss_is_restored():
    tested = without_dropout("sgd", precision="mixed_float16")
    trainer, again = trainer_of(tested, DEVICE), trainer_of(tested, DEVICE)
    [*epochs_of(trainer, 1)]
    again.restore(trainer.optimizer_state())
    assert again.optimizer_state()["scaler/scale"] == trainer.optimizer_state()["scaler/scale"]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_digits_are_learned(precision, tmp_path):
    spec = loads(DIGITS.replace("precision: float32", f"precision: {precision}"))
    run = train(spec, "torch", device=DEVICE, runs=tmp_path)
    assert run.history[-1]["test_accuracy"] > 0.85


def test_a_stream_trains_as_memory_does(monkeypatch):
    monkeypatch.setattr(streaming, "PART_BYTES", 1 << 10)
    tested = without_dropout("sgd: {momentum: 0.9}", epochs=100)
    inputs = examples_of(tested)
    weights = []
    for examples in (inputs, replace(inputs, streamed=True)):
        backend = found_training("torch")
        trainer = backend.trainer(tested, random_weights(tested.graph), examples, DEVICE)
        [*epochs_of(trainer, 4)]
        weights.append(trainer.weights())
    for key, value in weights[0].items():
        np.testing.assert_allclose(weights[1][key], value, 1e-4, 1e-5, err_msg=key)


@pytest.mark.parametrize("element", [np.uint8, np.int8, np.uint16, np.int16, np.bool_, np.float32])
def test_stored_images_of_every_type_are_read(element):
    tested = without_dropout("sgd")
    images = (np.random.default_rng(0).random((30, 6, 6, 2)) * 2).astype(element)
    labels = np.arange(30, dtype=np.int32) % 3
    losses = []
    for device in (DEVICE, "cpu"):
        backend = found_training("torch")
        examples = Examples((images,), (labels,), scale=255)
        trainer = backend.trainer(tested, random_weights(tested.graph), examples, device)
        losses.append(np.concatenate([report.losses for report in epochs_of(trainer, 1)]))
    np.testing.assert_allclose(losses[0], losses[1], 1e-4, 1e-5)


def test_a_resumed_run_ends_as_the_unbroken_one(tmp_path):
    def digits(epochs):
        return loads(DIGITS.replace("epochs: 2", f"epochs: {epochs}"))

    train(digits(1), "torch", device=DEVICE, runs=tmp_path / "runs")
    resumed = train(digits(2), "torch", device=DEVICE, runs=tmp_path / "runs", resume=True)
    unbroken = train(digits(2), "torch", device=DEVICE, runs=tmp_path / "whole")
    losses = [[epoch["loss"] for epoch in run.history[:2]] for run in (resumed, unbroken)]
    np.testing.assert_allclose(losses[0], losses[1], 1e-2)


@only_on_gpu
def test_full_memory_names_the_batch_size_to_try():
    images, size = 4_096, 64
    layer = "Conv2D: {filters: 64, kernel_size: 3, activation: relu}"
    tested = network((size, size, 1), [layer, "Flatten", "Dense: {units: 3}"], "sgd")
    examples = Examples(
        (np.zeros((images, size, size, 1), np.uint8),), (np.zeros(images, np.int32),)
    )
    trainer = found_training("torch").trainer(
        tested, random_weights(tested.graph), examples, DEVICE
    )
    _, total = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction((1 << 30) / total)
    try:
        with pytest.raises(BackendError, match="memory is full") as caught:
            [*trainer.epoch(np.arange(images), images, np.ones(1, np.float32), 0)]
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        torch.cuda.empty_cache()
    assert caught.value.help.startswith(f"use --batch-size {images // 2}")


def test_the_second_gpu_trains_or_is_named_absent():
    tested = without_dropout("sgd: {momentum: 0.9}", epochs=100)
    count = torch.cuda.device_count()
    if count > 1:
        check_same(train_network(tested, "cuda:1"), train_network(tested), 1e-3, 1e-4)
        return
    with pytest.raises(BackendError) as caught:
        trainer_of(tested, "cuda:1")
    if count == 1:
        assert caught.value.help == "use one of cpu, cuda:0"

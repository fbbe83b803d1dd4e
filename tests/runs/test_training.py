"""What a training does, epoch by epoch."""

from __future__ import annotations

import numpy as np
import pytest

import abacus
from frameworks import TRAINING, require
from netspec.backend import Steps, find
from netspec.data import epoch_order, load
from netspec.network import loads
from netspec.numerics.initial import initial
from netspec.runs.folder import in_order
from netspec.runs.metrics import evaluate
from netspec.runs.training import Silent, train
from netspec.text.diagnostics import DataError, RunError, SpecError


def test_a_training_writes_the_figures_of_every_epoch_and_of_the_test(digits_run):
    *epochs, test = digits_run.history
    figures = {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}
    assert [record["epoch"] for record in epochs] == [1, 2]
    assert all(record.keys() == figures | {"seconds", "images_per_second"} for record in epochs)
    assert test.keys() == {"epoch", "test_loss", "test_accuracy"}


def test_a_training_makes_the_loss_smaller(digits_run):
    first, last, _ = digits_run.history
    assert last["loss"] < first["loss"]


def test_the_figures_of_the_validation_are_those_of_the_last_part_of_the_images(digits_run):
    network = digits_run.network
    predictor = find(digits_run.backend).predictor(network, digits_run.weights(), "cpu")
    validation = load(network).validation
    assert validation is not None
    assert len(validation) == 150
    figures = evaluate(predictor, digits_run.weights(), validation, network, "val_")
    _, last, _ = digits_run.history
    assert {name: last[name] for name in figures} == pytest.approx(figures, rel=1e-5)


def test_the_figures_of_the_test_are_those_of_the_last_weights(digits_run):
    require("onnx")
    network = digits_run.network
    predictor = find("onnx").predictor(network, digits_run.weights(), "cpu")
    weights = digits_run.weights()
    figures = evaluate(predictor, weights, load(network).test, network, "test_")
    *_, test = digits_run.history
    assert {name: test[name] for name in figures} == pytest.approx(figures, rel=1e-4)


@pytest.mark.parametrize("backend", TRAINING)
def test_the_loss_of_a_test_holds_the_penalties_on_the_weights(backend, tmp_path):
    require(backend)
    units = "units: 3, activation: softmax"
    penalty = {units: f"{units}, kernel_regularizer: {{l1_l2: {{l1: 0.1, l2: 0.2}}}}"}
    network = abacus.network(tmp_path, penalty)
    run = train(network, backend, device="cpu", runs=tmp_path / "runs")

    kernel = run.weights()["dense.kernel"].astype(np.float64)
    outputs = (
        find(backend).predictor(network, run.weights(), "cpu").predict(*load(network).test.values())
    )
    labels = load(network).test.targets[0]
    entropy = -np.log(outputs[np.arange(len(labels)), labels].astype(np.float64)).mean()
    expected = entropy + 0.1 * np.abs(kernel).sum() + 0.2 * np.square(kernel).sum()
    assert run.history[-1]["test_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("backend", TRAINING)
def test_a_batch_larger_than_the_data_is_one_step_over_all_images(backend, tmp_path):
    require(backend)
    network = abacus.network(tmp_path, {"batch_size: 7": "batch_size: 1000"})
    run = train(network, backend, device="cpu", runs=tmp_path / "runs")
    assert [record["epoch"] for record in run.history] == [1, 2, 3, 3]


@pytest.mark.parametrize("backend", TRAINING)
def test_a_shorter_epoch_is_the_first_steps_of_the_whole_one(backend, tmp_path):
    require(backend)
    ends = {"batch_size: 7": "batch_size: 7\n  steps_per_epoch: 2", "epochs: 3": "epochs: 2"}
    network = abacus.network(tmp_path, ends)
    run = train(network, backend, device="cpu", runs=tmp_path / "runs")

    trainer = find(backend).trainer(
        network, initial(network.graph, network.spec.train.seed), load(network).train, "cpu"
    )
    for epoch in (1, 2):
        order = epoch_order(len(load(network).train), network.spec.train.seed, epoch)[:14]
        rates = np.full(2, network.spec.train.optimizer.learning_rate, np.float32)
        parts = [*trainer.epoch(order, 7, rates, 0)]
        losses = np.concatenate([part.losses for part in parts])
        assert run.history[epoch - 1]["loss"] == pytest.approx(losses.mean(), rel=1e-6)
    for key, value in trainer.weights().items():
        np.testing.assert_array_equal(run.weights()[key], value, key)


def test_a_schedule_counts_the_steps_of_shorter_epochs(on_abacus, tmp_path):
    schedule = "polynomial_decay: {initial_learning_rate: 0.1, end_learning_rate: 0.0}"
    ends = {
        "batch_size: 7": "batch_size: 7\n  steps_per_epoch: 2",
        "learning_rate: 0.05": f"learning_rate: {{{schedule}}}",
    }
    run = train(abacus.network(tmp_path, ends), "abacus", runs=tmp_path / "runs")

    rates = [record["learning_rate"] for record in run.history[:-1]]
    # Of six steps of a straight line the second, fourth and sixth end an epoch.
    assert rates == pytest.approx([0.1 * (1 - step / 6) for step in (1, 3, 5)])


def test_more_steps_than_there_are_batches_is_a_fault_before_anything_is_written(
    on_abacus, tmp_path
):
    network = abacus.network(tmp_path, {"batch_size: 7": "batch_size: 7\n  steps_per_epoch: 1000"})
    images = len(load(network).train)

    with pytest.raises(RunError) as raised:
        train(network, "abacus", runs=tmp_path / "runs")

    batches = -(-images // 7)
    message = f"steps_per_epoch is 1,000, and {images} images make {batches} batches"
    assert raised.value.message == message
    assert raised.value.help == f"make it {batches} or less, or leave it out"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("backend", TRAINING)
def test_a_learning_rate_out_of_all_reason_stops_the_training(backend, tmp_path):
    require(backend)
    network = abacus.network(tmp_path, {"learning_rate: 0.05": "learning_rate: 3e38"})
    with pytest.raises(RunError, match="the loss is no longer finite in epoch 1"):
        train(network, backend, device="cpu", runs=tmp_path / "runs")


def test_a_run_whose_loss_is_no_longer_finite_stays_as_it_was_before(monkeypatch, tmp_path):
    abacus.install(monkeypatch, Diverging(after=2))
    whole = train(abacus.network(tmp_path, EPOCHS_2), "abacus", runs=tmp_path / "whole")
    abacus.install(monkeypatch, Diverging(after=2))
    with pytest.raises(RunError, match="no longer finite in epoch 3"):
        train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    (run,) = in_order(tmp_path / "runs")
    assert run.checkpoint().epoch == 2
    assert weights_of(run) == weights_of(whole)


def test_the_learning_rate_is_reported_where_it_moves(on_abacus, tmp_path):
    decay = "polynomial_decay: {initial_learning_rate: 0.06, end_learning_rate: 0.0}"
    network = abacus.network(tmp_path, {"learning_rate: 0.05": f"learning_rate: {{{decay}}}"})
    *epochs, test = train(network, "abacus", runs=tmp_path / "runs").history
    # 6 steps an epoch, 18 in all; the rate is the rate of the epoch's last step
    rates = [0.06 * (1 - step / 18) for step in (5, 11, 17)]
    assert [record["learning_rate"] for record in epochs] == pytest.approx(rates)
    assert "learning_rate" not in test


def test_a_figure_that_no_epoch_reports_is_named_before_training(tmp_path):
    plateau = "reduce_on_plateau: {initial_learning_rate: 0.05, monitor: recall}"
    with pytest.raises(SpecError, match="there is no metric named 'recall'"):
        abacus.network(tmp_path, {"learning_rate: 0.05": f"learning_rate: {{{plateau}}}"})


EPOCHS_2 = {"epochs: 3": "epochs: 2"}
SPLIT = {"batch_size: 7": "batch_size: 7\n  validation_split: 0.25"}


def test_training_never_sees_the_images_of_the_validation(on_abacus, tmp_path):
    there = abacus.arrays()
    other = {name: there[name].copy() for name in ("x_train", "y_train")}
    other["x_train"][30:] = 255 - other["x_train"][30:]
    other["y_train"][30:] = 2 - other["y_train"][30:]
    run = train(abacus.network(tmp_path, SPLIT), "abacus", runs=tmp_path / "runs")
    changed = train(abacus.network(tmp_path, SPLIT, **other), "abacus", runs=tmp_path / "runs")
    assert weights_of(run) == weights_of(changed)
    assert run.history[0]["val_loss"] != changed.history[0]["val_loss"]


def test_training_sees_every_image_once_an_epoch(monkeypatch, tmp_path):
    backend = Recording()
    abacus.install(monkeypatch, backend)
    train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    assert [sorted(order) for order in backend.orders] == [list(range(40))] * 3


def test_every_epoch_has_an_order_and_masks_of_its_own(monkeypatch, tmp_path):
    backend = Recording()
    abacus.install(monkeypatch, backend)
    train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    assert len(set(backend.orders)) == 3
    assert len(set(backend.mask_seeds)) == 3


def test_the_loss_of_an_epoch_counts_every_image_once(monkeypatch, tmp_path):
    # Batches of 7 leave one of 5: a mean over the batches would count its images more.
    abacus.install(monkeypatch, Counting())
    run = train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    assert run.history[0]["loss"] == pytest.approx((35 * 1.0 + 5 * 9.0) / 40)


def test_the_accuracy_of_an_epoch_counts_every_image_once(monkeypatch, tmp_path):
    abacus.install(monkeypatch, Counting())
    run = train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    assert run.history[0]["accuracy"] == 35 / 40


def test_without_metrics_only_the_loss_is_written(on_abacus, tmp_path):
    network = abacus.network(tmp_path, {"  epochs: 3": "  metrics: []\n  epochs: 1"})
    run = train(network, "abacus", runs=tmp_path / "runs")
    first, test = run.history
    assert first.keys() == {"epoch", "loss", "seconds", "images_per_second"}
    assert test.keys() == {"epoch", "test_loss"}


def test_the_same_seed_gives_the_same_weights(on_abacus, tmp_path):
    runs = [train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs") for _ in range(2)]
    assert weights_of(runs[0]) == weights_of(runs[1])


def test_another_seed_gives_other_weights(on_abacus, tmp_path):
    other = abacus.network(tmp_path, {"batch_size: 7": "batch_size: 7\n  seed: 1"})
    networks = abacus.network(tmp_path), other
    runs = [train(network, "abacus", runs=tmp_path / "runs") for network in networks]
    assert weights_of(runs[0]) != weights_of(runs[1])


def test_progress_is_told_of_everything_in_its_order(on_abacus, tmp_path):
    progress = Diary()
    network = abacus.network(tmp_path, {"batch_size: 7": "batch_size: 20", **EPOCHS_2})
    train(network, "abacus", runs=tmp_path / "runs", progress=progress)
    epoch = ["epoch_begins", "advances 20", "advances 40", "epoch_ends"]
    assert progress.told == ["begins", *epoch, *epoch, "tested"]


def test_a_spec_that_says_nothing_of_training_cannot_be_trained(on_abacus, tmp_path):
    before_train, _, _ = abacus.SPEC.partition("train:")
    with pytest.raises(RunError, match="does not say how it is trained"):
        train(loads(before_train), "abacus", runs=tmp_path)


def test_a_spec_without_data_cannot_be_trained(on_abacus, tmp_path):
    with pytest.raises(DataError, match="names no data set"):
        train(loads(abacus.SPEC.replace("data:", "#")), "abacus", runs=tmp_path)


def test_a_training_that_cannot_begin_leaves_no_run(on_abacus, tmp_path):
    network = abacus.network(tmp_path)
    (tmp_path / "images.npz").unlink()
    with pytest.raises(DataError):
        train(network, "abacus", runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def weights_of(run) -> bytes:
    return (run.path / "weights.safetensors").read_bytes()


class Diverging(abacus.Abacus):
    """An abacus whose loss is not a number after some epochs."""

    def __init__(self, after: int) -> None:
        self.after = after

    def trainer(self, *arguments):
        trainer, before = super().trainer(*arguments), iter(range(self.after))
        epoch = trainer.epoch

        def diverging(*arguments):
            if next(before, None) is None:
                yield Steps(np.array([np.nan], np.float32), np.array([0], np.int32))
            else:
                yield from epoch(*arguments)

        trainer.epoch = diverging
        return trainer


class Recording(abacus.Abacus):
    """An abacus that keeps the order and the seed of every epoch."""

    def __init__(self) -> None:
        self.orders: list[tuple[int, ...]] = []
        self.mask_seeds: list[int] = []

    def trainer(self, *arguments):
        trainer = super().trainer(*arguments)
        epoch = trainer.epoch

        def recording(order, batch_size, learning_rates, mask_seed):
            self.orders.append(tuple(order.tolist()))
            self.mask_seeds.append(mask_seed)
            return epoch(order, batch_size, learning_rates, mask_seed)

        trainer.epoch = recording
        return trainer


class Counting(abacus.Abacus):
    """An abacus with a loss of 1 and all right in whole batches, 9 and all wrong in the last."""

    def trainer(self, *arguments):
        trainer = super().trainer(*arguments)

        def counting(order, batch_size, learning_rates, mask_seed):
            whole = len(order) // batch_size
            yield Steps(np.ones(whole, np.float32), np.full(whole, batch_size, np.int32))
            yield Steps(np.array([9], np.float32), np.array([0], np.int32))

        trainer.epoch = counting
        return trainer


class Diary(Silent):
    """Records the reports of a training."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begins(self, run, device, epoch, epochs):
        self.told.append("begins")

    def epoch_begins(self, epoch, images):
        self.told.append("epoch_begins")

    def advances(self, images, so_far):
        self.told.append(f"advances {images}")

    def epoch_ends(self, record):
        self.told.append("epoch_ends")

    def tested(self, record):
        self.told.append("tested")

"""Callbacks follow a training, and can stop it after an epoch."""

from __future__ import annotations

from pathlib import Path

import pytest

import abacus
import netspec
from netspec.network import Network
from netspec.runs.folder import Run
from netspec.runs.metrics import Record

EPOCHS = 3


@pytest.fixture
def regression(tmp_path: Path, on_abacus: None) -> Network:
    return abacus.network(tmp_path)


class Log(netspec.Callback):
    """Remembers what it was called with."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.epochs: list[Record] = []
        self.results: list[Record] = []

    def on_batch_end(self, batch: int, logs: Record) -> None:
        self.batches.append(batch)

    def on_epoch_end(self, epoch: int, logs: Record) -> None:
        assert logs["epoch"] == epoch
        self.epochs.append(logs)

    def on_train_end(self, run: Run, logs: Record) -> None:
        self.results.append(logs)


class StopAfter(netspec.Callback):
    """Stops the training after an epoch, or in it."""

    def __init__(self, epoch: int = 0, batch: int = 0) -> None:
        self.epoch, self.batch = epoch, batch

    def on_batch_end(self, batch: int, logs: Record) -> bool:
        return batch == self.batch

    def on_epoch_end(self, epoch: int, logs: Record) -> bool:
        return epoch == self.epoch


def test_callbacks_see_what_the_run_records(regression: Network, tmp_path: Path) -> None:
    log = Log()
    run = netspec.train(regression, "abacus", runs=tmp_path, callbacks=[log], progress=False)
    assert log.epochs == run.history[:EPOCHS]
    assert log.batches[-1] == 6  # 40 examples in batches of 7
    (results,) = log.results
    assert run.history[-1] == {"epoch": EPOCHS, **results}


@pytest.mark.parametrize("stop", [StopAfter(epoch=2), StopAfter(batch=6)])
def test_a_callback_stops_after_a_whole_epoch(
    stop: StopAfter, regression: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, epoch = Log(), stop.epoch or 1
    run = netspec.train(regression, "abacus", runs=tmp_path, callbacks=[stop, log])
    assert len(log.epochs) == epoch
    assert "test_loss" in run.history[-1]
    assert f"Stopped by a callback, after epoch {epoch}\n" in capsys.readouterr().out


def test_a_run_that_a_callback_stopped_can_go_on(regression: Network, tmp_path: Path) -> None:
    stopped = netspec.train(regression, "abacus", runs=tmp_path, callbacks=[StopAfter(epoch=1)])
    resumed = netspec.train(regression, "abacus", runs=tmp_path, resume=stopped.path)
    whole = netspec.train(regression, "abacus", runs=tmp_path)
    assert [record["epoch"] for record in resumed.history] == [1, 2, 3, 3]
    assert all((resumed.weights()[key] == value).all() for key, value in whole.weights().items())


def test_a_change_of_the_logs_does_not_change_the_run(regression: Network, tmp_path: Path) -> None:
    class Vandal(netspec.Callback):
        def on_epoch_end(self, epoch: int, logs: Record) -> None:
            logs.clear()

    run = netspec.train(regression, "abacus", runs=tmp_path, callbacks=[Vandal()])
    assert "loss" in run.history[0]


def test_progress_is_printed_unless_it_is_refused(
    regression: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netspec.train(regression, "abacus", runs=tmp_path, progress=False)
    assert capsys.readouterr().out == ""
    netspec.train(regression, "abacus", runs=tmp_path)
    assert "Epoch 3/3  loss" in capsys.readouterr().out

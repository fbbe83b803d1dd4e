"""Training stops, and finds its best epoch, where Keras's callback does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from keras_oracle import keras
from netspec.language.spec import EarlyStopping
from netspec.runs.stopping import Watch, watch

LOSSES = [1.0, 0.8, 0.81, 0.79, 0.795, 0.9, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75, 0.76]
RISING = [0.5, 0.6, 0.55, 0.58, 0.61, 0.61, 0.61, 0.61, 0.4, 0.4]

CASES: list[tuple[list[float], dict[str, Any]]] = [
    (LOSSES, {}),
    (LOSSES, {"patience": 1}),
    (LOSSES, {"patience": 2}),
    (LOSSES, {"patience": 3}),
    (LOSSES, {"patience": 3, "min_delta": 0.05}),
    (LOSSES, {"patience": 2, "start_from_epoch": 4}),
    (LOSSES, {"patience": 4, "baseline": 0.75}),
    (LOSSES, {"patience": 2, "mode": "max"}),
    (LOSSES, {"patience": 100}),
    (LOSSES, {"patience": 2, "start_from_epoch": 100}),
    (RISING, {"monitor": "val_accuracy", "patience": 2, "mode": "max"}),
    (RISING, {"monitor": "val_accuracy", "patience": 4, "mode": "max", "min_delta": 0.02}),
    (RISING, {"monitor": "val_accuracy", "patience": 3, "mode": "max", "baseline": 0.605}),
    ([0.5], {}),
]


@pytest.mark.parametrize(("values", "options"), CASES, ids=str)
def test_the_epoch_and_the_best_are_those_of_keras_callback(
    values: list[float], options: dict[str, Any]
) -> None:
    monitor = options.get("monitor", "val_loss")
    model = SimpleNamespace(metrics=[], stop_training=False, get_weights=list, set_weights=id)
    theirs = keras.callbacks.EarlyStopping(**options, restore_best_weights=True)
    theirs.set_model(model)
    theirs.on_train_begin()
    history: list[dict[str, Any]] = []
    watched = Watch(None, stopped=False)
    for epoch, value in enumerate(values):
        history.append({"epoch": epoch + 1, "loss": 0.0, monitor: value})
        theirs.on_epoch_end(epoch, {monitor: value})
        watched = watch(EarlyStopping(**options), {"loss": False, "accuracy": True}, history)
        assert watched.stopped == model.stop_training
        if watched.stopped:
            break

    has_best = theirs.best_weights is not None
    assert watched.best == (theirs.best_epoch + 1 if has_best else None)


def test_the_figure_itself_says_which_way_is_better() -> None:
    history: list[dict[str, Any]] = [{"loss": 0.1, "auc": value} for value in (0.5, 0.7, 0.6)]

    watched = watch(EarlyStopping(monitor="auc", patience=5), {"loss": False, "auc": True}, history)

    assert watched == Watch(2, stopped=False)


def test_without_patience_nothing_stops_and_the_best_is_found() -> None:
    history: list[dict[str, Any]] = [{"loss": value} for value in (3.0, 1.0, *[2.0] * 50)]

    watched = watch(EarlyStopping(monitor="loss", patience=None), {"loss": False}, history)

    assert watched == Watch(2, stopped=False)

"""The objective of every output: its loss, the weight of the loss, and its metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netspec.checks.ends import End
from netspec.language.layers import Shape
from netspec.language.layers.activations import ActivationName
from netspec.language.spec import Spec, Train
from netspec.language.training.losses import Loss, SparseCategoricalCrossentropy
from netspec.language.training.metrics import Metric, by_default


@dataclass(frozen=True)
class Objective:
    """The loss and the metrics of an output.

    `taken_off` is the activation that is removed for the loss, a cross-entropy on logits.
    `ignored_label` is the label in the data of the targets that do not count. Among class indices
    it is the `ignore_class` of the loss.
    """

    output: str
    shape: Shape
    loss: Loss
    weight: float
    metrics: tuple[Metric, ...]
    taken_off: ActivationName | None
    ignored_label: int | None = None

    @property
    def ignored_index(self) -> int | None:
        """The class index of the targets that do not count."""
        return ignored_index(self.loss)

    @property
    def training_metrics(self) -> tuple[Metric, ...]:
        """The metrics that training reports: all metrics that are numbers."""
        return tuple(metric for metric in self.metrics if metric.more_is_better is not None)

    @property
    def target_shape(self) -> Shape:
        """The shape of one target."""
        return self.shape[:-1] if self.loss.kind == "classes" else self.shape

    @property
    def has_one_class(self) -> bool:
        """Whether every example has one class."""
        return has_one_class(self.loss, self.shape)


def has_one_class(loss: Loss, shape: Shape) -> bool:
    """Whether every example has one class, of an output of this shape."""
    if loss.kind == "binary":
        return shape == (1,)
    return loss.kind in ("classes", "one_hot") and len(shape) == 1


def objectives(spec: Spec, ends: Sequence[End]) -> tuple[Objective, ...]:
    """The objective of every output, of a spec without faults that has `train`."""
    train = spec.train
    assert train is not None
    losses, weights = losses_by_output(train, ends), train.loss_weights or {}
    first = spec.data.first_label if spec.data else 0
    return tuple(
        Objective(
            end.name,
            end.shape,
            _on_indices(losses[end.name], first, end.shape[-1]),
            weights.get(end.name, 1.0),
            _metrics(spec, train, losses[end.name], end.name),
            taken_off(losses[end.name], end),
            ignored_index(losses[end.name]),
        )
        for end in ends
    )


def ignored_index(loss: Loss) -> int | None:
    """The `ignore_class` of a loss that has one."""
    return loss.ignore_class if isinstance(loss, SparseCategoricalCrossentropy) else None


def _on_indices(loss: Loss, first: int, classes: int) -> Loss:
    """The loss of class indices, where `first` is the label of the first class.

    An ignored label that is none of the classes has the index -1.
    """
    label = ignored_index(loss)
    if label is None or not first:
        return loss
    index = label - first if first <= label < first + classes else -1
    return loss.model_copy(update={"ignore_class": index})


def losses_by_output(train: Train, ends: Sequence[End]) -> dict[str, Loss]:
    """The losses by the name of their output."""
    return train.loss if isinstance(train.loss, dict) else {ends[0].name: train.loss}


def taken_off(loss: Loss, end: End) -> ActivationName | None:
    """The activation of an output that is removed for the loss."""
    return loss.probabilities if end.activation == loss.probabilities else None


def _metrics(spec: Spec, train: Train, loss: Loss, output: str) -> tuple[Metric, ...]:
    if isinstance(train.metrics, dict):
        return train.metrics.get(output, ())
    if train.metrics is not None:
        return train.metrics
    own_input = spec.data is not None and spec.data.own_targets
    return () if own_input else by_default(loss)


def figures(objectives_: Sequence[Objective]) -> dict[str, bool]:
    """The names of the numbers that training reports, and whether more of each is better.

    With several outputs a name begins with the name of the output, as in Keras.
    """
    known = {"loss": False}
    for objective in objectives_:
        prefix = f"{objective.output}_" if len(objectives_) > 1 else ""
        known |= {f"{prefix}loss": False}
        known |= {
            f"{prefix}{metric.tag}": bool(metric.more_is_better)
            for metric in objective.training_metrics
        }
    return known

"""Steps of training inside TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from netspec.backend import (
    Program,
    counts_answers,
    gives_logits,
)
from netspec_keras.feeding import Feed
from netspec_keras.framework import keras, tf
from netspec_keras.predictor import all_outputs


def _weights_of(weights: Any, outputs: Sequence[Any]) -> list[Any]:
    """The weights of a batch for every output, with as many axes as the output's losses."""
    if weights is None:
        return [None] * len(outputs)
    return [tf.reshape(weights, [-1] + [1] * (len(output.shape) - 2)) for output in outputs]


class Objectives:
    """The losses of all outputs with their weights, and the values that the metrics need."""

    def __init__(self, module: ModuleType, program: Program) -> None:
        losses = module.build_loss()
        self.losses: list[keras.losses.Loss] = losses if isinstance(losses, list) else [losses]
        self.weights = [objective.weight for objective in program.objectives]
        self.ignored = program.objectives[0].ignored_index
        accumulated = program.train and program.train.gradient_accumulation_steps
        ignored = [objective.ignored_index for objective in program.objectives]
        self.has_factors = bool(accumulated) and any(index is not None for index in ignored)
        self.counts = counts_answers(program.objectives)
        self.returns_logits = gives_logits(program.objectives)

    def values(
        self, truths: Sequence[Any], outputs: Sequence[Any], weights: list[Any]
    ) -> list[Any]:
        """The loss of every output."""
        arguments = zip(self.losses, truths, outputs, weights, strict=True)
        return [loss(truth, output, weight) for loss, truth, output, weight in arguments]

    def total(self, values: Sequence[Any]) -> Any:
        """The losses times their weights."""
        weighted = zip(self.weights, values, strict=True)
        return tf.add_n([value if weight == 1 else weight * value for weight, value in weighted])

    def scaled(self, values: Sequence[Any], factors: tf.Tensor) -> list[Any]:
        """The losses times their factors."""
        return [value * factors[place] for place, value in enumerate(values)]

    def kept(self, truths: Sequence[Any], outputs: Sequence[Any], values: list[Any]) -> list[Any]:
        """The values of a step that metrics need beside the loss; `dtypes` are the types of all."""
        kept = [tf.stack(values)] if len(values) > 1 else []
        if self.counts:
            right = tf.argmax(outputs[0], axis=-1, output_type=truths[0].dtype) == truths[0]
            if self.ignored is not None:
                right &= truths[0] != self.ignored
            kept.append(tf.math.count_nonzero(right, dtype=tf.int32))
        return kept + (
            [tf.cast(output, tf.float32) for output in outputs] if self.returns_logits else []
        )

    @property
    def dtypes(self) -> list[tf.DType]:
        """The types of the results of a step: the loss, and the values that metrics need."""
        by_output = [tf.float32] * (len(self.losses) > 1)
        outputs = [tf.float32] * (len(self.losses) * self.returns_logits)
        return [tf.float32, *by_output, *([tf.int32] * self.counts), *outputs]


def _whole(gradients: Sequence[Any]) -> list[Any]:
    """The gradients, with the parts for each row of an Embedding added up.

    TensorFlow returns a part for each time that a row was read. Optimizers of Keras 3.15 square the
    parts and add the squares, where their rule squares the sum.
    """
    return [
        gradient if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients
    ]


def steps_function(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    objectives: Objectives,
    feed: Feed,
) -> Callable[..., list[tf.Tensor]]:
    """A function of (batches of indices, rates, factors, the feed's tensors) that runs steps.

    `factors` multiply the losses, where they have factors. It returns the losses and the values
    that metrics need, each stacked. The loop runs inside TensorFlow: with a Python call for every
    step it took a quarter more time.
    """
    variables = model.trainable_variables

    def step(tensors: Sequence[tf.Tensor], batch: tf.Tensor, factors: tf.Tensor) -> list[tf.Tensor]:
        inputs, truths, weights = feed.batch(tensors, batch)
        with tf.GradientTape() as tape:
            outputs = all_outputs(model, inputs, training=True)
            values = objectives.values(truths, outputs, _weights_of(weights, outputs))
            total = tf.add_n([objectives.total(values), *model.losses])
            minimized = total
            if objectives.has_factors:
                scaled_values = objectives.scaled(values, factors)
                minimized = tf.add_n([objectives.total(scaled_values), *model.losses])
            scaled = optimizer.scale_loss(minimized)
        optimizer.apply(_whole(tape.gradient(scaled, variables)), variables)
        return [total, *objectives.kept(truths, outputs, values)]

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.int64),
            tf.TensorSpec([None], tf.float32),
            tf.TensorSpec([None, None], tf.float32),
            *feed.signature,
        ],
        autograph=False,
    )
    def run(
        batches: tf.Tensor, rates: tf.Tensor, factors: tf.Tensor, *tensors: tf.Tensor
    ) -> list[tf.Tensor]:
        count = tf.shape(batches)[0]

        def take_step(index: tf.Tensor, *results: tf.TensorArray) -> tuple[Any, ...]:
            optimizer.learning_rate.assign(rates[index])
            values = step(tensors, batches[index], factors[index])
            return index + 1, *(
                array.write(index, value) for array, value in zip(results, values, strict=True)
            )

        _, *results = tf.while_loop(
            lambda index, *_: index < count,
            take_step,
            (0, *(tf.TensorArray(dtype, count) for dtype in objectives.dtypes)),
            parallel_iterations=1,  # a step reads the weights that the step before it wrote
        )
        return [array.stack() for array in results]

    return run

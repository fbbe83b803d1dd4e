"""Runs generated Keras modules: training."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.backend import (
    Device,
    Predicting,
    Program,
    Steps,
    chunks,
    counts_answers,
    outputs_in_batches,
    steps_per_report,
)
from netspec.data import Examples
from netspec.language.training.schedules import Schedule
from netspec.numerics.weights import Array
from netspec_keras.feeding import Feed
from netspec_keras.framework import keras, tf
from netspec_keras.gaps import check_kernels, errors_at_layers
from netspec_keras.predictor import find_device, functions_of, in_float32, initial_model, module_of
from netspec_keras.process import rounding_to_tf32
from netspec_keras.steps import Objectives, steps_function
from netspec_keras.threads import limit_threads

STEPS_PER_CALL = 125
"""Steps that run inside TensorFlow between two reports of progress."""


NEVER_NEGATIVE = re.compile(
    r"(velocity|velocity_hat|norm|(?<!gradient_)accumulator|learning_rate|dynamic_scale)$"
)
"""Keras's names of an optimizer's variables whose values are never negative."""

SEED_STATE = "seed_generator_state"
"""Keras's name of the variable that decides the random masks of a layer."""


class KerasTrainer(Predicting):
    """The program's Keras model in training, with the images on the device."""

    def __init__(
        self,
        program: Program,
        examples: Examples,
        device: Device,
        threads: int | None,
    ) -> None:
        self.threads = limit_threads(tf, threads)
        self._tf_device, self.device = find_device(device)
        check_kernels(program, self._tf_device)
        self._program = program
        self._objectives, taken_off = program.objectives, program.taken_off
        self._tf32 = program.rounds_to_tf32
        module = module_of(program)
        self._weights: dict[str, list[str]] = module.WEIGHTS
        with tf.device(self._tf_device):
            build = partial(initial_model, module, taken_off)
            self._model: keras.Model = _with_precision(module, build)
            module.set_weights(self._model, program.weights)
            self._optimizer: keras.optimizers.Optimizer = module.build_optimizer(
                *_first_rate(program)
            )
            self._optimizer.build(self._model.trainable_variables)
            self._feed = Feed(examples, self._tf_device)
            self._run = steps_function(
                self._model, self._optimizer, Objectives(module, program), self._feed
            )
            exact = build() if hasattr(module, "set_precision") else self._model
            functions = map(errors_at_layers(program), functions_of(exact, taken_off))
            functions = map(in_float32, functions)
            self._outputs, self._logits = (
                partial(_up_to_date, self._model, exact, function) for function in functions
            )

    def epoch(
        self,
        order: NDArray[np.int64],
        batch_size: int,
        learning_rates: Array,
        mask_seed: int,
        loss_factors: Array | None = None,
    ) -> Iterator[Steps]:
        self._seed_masks(mask_seed)
        steps = steps_per_report(STEPS_PER_CALL, self._objectives, batch_size)
        steps = self._feed.steps(batch_size, steps)
        whole = len(order) // batch_size
        first, last = order[: whole * batch_size], order[whole * batch_size :]
        parts = chunks(whole, steps)
        factors = loss_factors
        if factors is None:
            factors = np.ones((len(learning_rates), len(self._objectives)), np.float32)
        for part, fed in zip(parts, self._feed.parts(first, batch_size, steps), strict=True):
            yield self._call(*fed, learning_rates[part], factors[part])
        for fed in self._feed.parts(last, len(last), 1) if len(last) else ():
            yield self._call(*fed, learning_rates[whole:], factors[whole:])

    def _call(
        self,
        batches: NDArray[np.int64],
        tensors: list[tf.Tensor],
        learning_rates: Array,
        factors: Array,
    ) -> Steps:
        tf32 = rounding_to_tf32(allowed=self._tf32)
        numbers = (batches, learning_rates, factors)
        with tf.device(self._tf_device), tf32, errors_at_layers(self._program):
            values = self._run(*map(tf.constant, numbers), *tensors)
            losses, *others = [value.numpy() for value in values]
        by_output = others.pop(0) if len(self._objectives) > 1 else None
        correct = others.pop(0) if counts_answers(self._objectives) else None
        logits = tuple(values.reshape(-1, *values.shape[2:]) for values in others)
        return Steps(losses, correct, by_output, logits)

    def _seed_masks(self, seed: int) -> None:
        """Start the random masks of every layer from the seed and the layer's position."""
        for index, layer in enumerate(self._model.layers):
            states = [variable for variable in layer.variables if variable.name == SEED_STATE]
            for inner, state in enumerate(states):
                words = np.random.SeedSequence([seed, index, inner]).generate_state(2, np.uint32)
                state.assign(words)

    def outputs(self, *inputs: Array) -> tuple[Array, ...]:
        return outputs_in_batches(inputs, self._outputs)

    def logits(self, *inputs: Array) -> tuple[Array, ...]:
        return outputs_in_batches(inputs, self._logits)

    def weights(self) -> dict[str, Array]:
        return {
            key: variable.numpy()
            for name, keys in self._weights.items()
            for key, variable in zip(keys, self._model.get_layer(name).weights, strict=True)
        }

    def swap_averages(self) -> None:
        optimizer = getattr(self._optimizer, "inner_optimizer", self._optimizer)
        if not optimizer.use_ema:
            return
        # As keras/src/callbacks/swap_ema_weights.py (3.15) finds them, but exactly.
        averages = optimizer._model_variables_moving_average  # noqa: SLF001
        for variable, average in zip(self._model.trainable_variables, averages, strict=True):
            before = variable.numpy()
            variable.assign(average)
            average.assign(before)

    def optimizer_state(self) -> dict[str, NDArray[Any]]:
        return {key: variable.numpy() for key, variable in self._optimizer_variables()}

    @property
    def never_negative(self) -> frozenset[str]:
        keys = [key for key, _ in self._optimizer_variables()]
        return frozenset(filter(NEVER_NEGATIVE.search, keys))

    def restore(self, optimizer_state: dict[str, NDArray[Any]]) -> None:
        for key, variable in self._optimizer_variables():
            variable.assign(optimizer_state[key])

    def _optimizer_variables(self) -> Iterator[tuple[str, keras.Variable]]:
        """Every variable with a key. Its path contains the number of optimizers in the process.

        So does the automatic name of a variable, such as Nadam's product.
        """
        for index, variable in enumerate(self._optimizer.variables):
            yield f"{index}.{re.sub(r'^variable_[0-9]+$', 'variable', variable.name)}", variable


def _first_rate(program: Program) -> tuple[float, ...]:
    """A rate instead of a schedule: the core computes the rate of every step."""
    assert program.train is not None
    rate = program.train.optimizer.learning_rate
    return (rate.first,) if isinstance(rate, Schedule) else ()


def _with_precision(module: ModuleType, build: Callable[[], keras.Model]) -> keras.Model:
    """The model with the precision of the module, a setting of the process that is restored."""
    before = keras.config.dtype_policy()
    if hasattr(module, "set_precision"):
        module.set_precision()
    try:
        return build()
    finally:
        keras.config.set_dtype_policy(before)


def _up_to_date(
    model: keras.Model, exact: keras.Model, function: Callable[..., Any], *inputs: Array
) -> tuple[Array, ...]:
    """The result of a function of `exact`, the model in float32, with the weights of `model`."""
    if exact is not model:
        for variable, trained in zip(exact.variables, model.variables, strict=True):
            variable.assign(trained)
    return function(*inputs)

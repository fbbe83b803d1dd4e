"""Runs generated Keras modules: prediction, and steps of training on TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.backend import (
    Device,
    Form,
    Predicting,
    Program,
    Steps,
    chunks,
    counts_answers,
    execute,
    gives_logits,
    outputs_in_batches,
    steps_per_report,
)
from netspec.backend.devices import absent_gpu, parse_device, unknown_tensorrt
from netspec.data import Examples
from netspec.language.training.schedules import Schedule
from netspec.numerics.weights import Array
from netspec.text.diagnostics import BackendError
from netspec_keras.feeding import Feed
from netspec_keras.framework import keras, tf
from netspec_keras.gaps import check_kernels, errors_at_layers
from netspec_keras.process import random_numbers_kept, rounding_to_tf32
from netspec_keras.source import source
from netspec_keras.threads import limit_threads

STEPS_PER_CALL = 125
"""Steps that run inside TensorFlow between two reports of progress."""


NEVER_NEGATIVE = re.compile(
    r"(velocity|velocity_hat|norm|(?<!gradient_)accumulator|learning_rate|dynamic_scale)$"
)
"""Keras's names of an optimizer's variables whose values are never negative."""

SEED_STATE = "seed_generator_state"
"""Keras's name of the variable that decides the random masks of a layer."""


def built_model(program: Program, taken_off: Sequence[str | None] = ()) -> keras.Model:
    """The program's Keras model with its weights. Its outputs are the spec's.

    With `taken_off` the outputs are before these activations.
    """
    module = _module(program)
    model = _built(module, taken_off)
    module.set_weights(model, program.weights)
    return model


def _built(module: ModuleType, taken_off: Sequence[str | None]) -> keras.Model:
    """The model of a module, with initial values that Keras draws."""
    with random_numbers_kept():
        return module.build_model(**_logits(taken_off))


def _in_float32(function: Callable[..., tuple[Array, ...]]) -> Callable[..., tuple[Array, ...]]:
    """The same function without TF32."""
    return rounding_to_tf32(allowed=False)(function)


def _module(program: Program) -> ModuleType:
    return execute(source(program), f"{program.graph.name}_keras")


def _first_rate(program: Program) -> tuple[float, ...]:
    """A rate instead of a schedule: the core computes the rate of every step."""
    assert program.train is not None
    rate = program.train.optimizer.learning_rate
    return (rate.first,) if isinstance(rate, Schedule) else ()


def _device(device: Device) -> tuple[str, str]:
    """TensorFlow's name of the device, and its name for the user."""
    choice = parse_device(device)
    if choice.kind == "tensorrt":
        raise unknown_tensorrt("keras")
    gpus: list[Any] = tf.config.list_physical_devices("GPU")
    if choice.kind == "cuda" and not gpus:
        help = "use --device cpu, or pip install 'netspec[keras-gpu]' into a separate environment"
        raise BackendError("TensorFlow sees no GPU", help)
    if choice.kind == "cpu" or not gpus:
        return "/CPU:0", "cpu"
    if choice.index >= len(gpus):
        raise absent_gpu("TensorFlow", choice.index, len(gpus))
    details: dict[str, str] = tf.config.experimental.get_device_details(gpus[choice.index])
    name = f"cuda:{choice.index}" if choice.index else "cuda"
    return f"/GPU:{choice.index}", f"{name} ({details.get('device_name', 'GPU')})"


class KerasPredictor(Predicting):
    """The program's Keras model on a device."""

    def __init__(self, program: Program, device: Device) -> None:
        name, self.device = _device(device)
        check_kernels(program, name)
        with tf.device(name):
            model = built_model(program, program.taken_off)
            outputs, logits = _functions(model, program.taken_off)
        self._outputs = _in_float32(errors_at_layers(program)(outputs))
        self._logits = _in_float32(errors_at_layers(program)(logits))

    def outputs(self, *inputs: Array) -> tuple[Array, ...]:
        return outputs_in_batches(inputs, self._outputs)

    def logits(self, *inputs: Array) -> tuple[Array, ...]:
        return outputs_in_batches(inputs, self._logits)


def form(program: Program, device: Device) -> Form:
    """`predict` of the program's Keras model, with one batch in every call."""
    name, shown = _device(device)
    check_kernels(program, name)
    with tf.device(name):
        model = built_model(program)

    def outputs(*inputs: Array) -> tuple[Array, ...]:
        x = inputs[0] if len(inputs) == 1 else list(inputs)
        with tf.device(name), rounding_to_tf32(allowed=False):
            values = model.predict(x, batch_size=len(inputs[0]), verbose=0)
        return tuple(values) if isinstance(values, list | tuple) else (values,)

    return Form(outputs, shown)


def _activated(values: Sequence[tf.Tensor], names: Sequence[str | None]) -> list[tf.Tensor]:
    """The outputs of a model of logits, after the activations that the loss does without."""
    activations = {None: tf.identity, "softmax": tf.nn.softmax, "sigmoid": tf.sigmoid}
    return [activations[name](value) for value, name in zip(values, names, strict=True)]


def _all_outputs(model: keras.Model, inputs: Sequence[tf.Tensor], *, training: bool) -> list[Any]:
    values = model(inputs[0] if len(inputs) == 1 else list(inputs), training=training)
    return list(values) if isinstance(values, list | tuple) else [values]


def _functions(
    model: keras.Model, taken_off: Sequence[str | None]
) -> tuple[Callable[..., tuple[Array, ...]], Callable[..., tuple[Array, ...]]]:
    """Functions of arrays, one for every input, that return the outputs and the logits.

    `model` returns the logits.
    """
    # The batch size is None: Keras 3.15 adds a tensor (3, 1) as a bias of 3 channels where the
    # size 3 is known.
    signature = [tf.TensorSpec((None, *tensor.shape[1:]), tf.float32) for tensor in model.inputs]

    @tf.function(input_signature=signature, autograph=False)
    def logits(*inputs: tf.Tensor) -> list[tf.Tensor]:
        return _all_outputs(model, inputs, training=False)

    @tf.function(input_signature=signature, autograph=False)
    def outputs(*inputs: tf.Tensor) -> list[tf.Tensor]:
        return _activated(_all_outputs(model, inputs, training=False), taken_off)

    return partial(_on_arrays, outputs), partial(_on_arrays, logits)


def _on_arrays(function: Callable[..., list[tf.Tensor]], *inputs: Array) -> tuple[Array, ...]:
    return tuple(output.numpy() for output in function(*map(tf.constant, inputs)))


def _logits(taken_off: Sequence[str | None]) -> dict[str, bool]:
    """The arguments of build_model, which has `logits` where activations can be left off."""
    return {"logits": True} if any(taken_off) else {}


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
        self._tf_device, self.device = _device(device)
        check_kernels(program, self._tf_device)
        self._program = program
        self._objectives, taken_off = program.objectives, program.taken_off
        self._tf32 = program.rounds_to_tf32
        module = _module(program)
        self._weights: dict[str, list[str]] = module.WEIGHTS
        with tf.device(self._tf_device):
            build = partial(_built, module, taken_off)
            self._model: keras.Model = _with_precision(module, build)
            module.set_weights(self._model, program.weights)
            self._optimizer: keras.optimizers.Optimizer = module.build_optimizer(
                *_first_rate(program)
            )
            self._optimizer.build(self._model.trainable_variables)
            self._feed = Feed(examples, self._tf_device)
            self._run = _steps_function(
                self._model, self._optimizer, _Objectives(module, program), self._feed
            )
            exact = build() if hasattr(module, "set_precision") else self._model
            functions = map(errors_at_layers(program), _functions(exact, taken_off))
            functions = map(_in_float32, functions)
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


def _weights_of(weights: Any, outputs: Sequence[Any]) -> list[Any]:
    """The weights of a batch for every output, with as many axes as the output's losses."""
    if weights is None:
        return [None] * len(outputs)
    return [tf.reshape(weights, [-1] + [1] * (len(output.shape) - 2)) for output in outputs]


class _Objectives:
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


def _steps_function(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    objectives: _Objectives,
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
            outputs = _all_outputs(model, inputs, training=True)
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

"""Runs generated PyTorch modules: steps of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from netspec.backend import (
    Device,
    Predicting,
    Program,
    Steps,
    chunks,
    counts_answers,
    gives_logits,
    steps_per_report,
)
from netspec.data import Examples
from netspec.language.layers import Shape
from netspec.numerics.weights import Array
from netspec_torch.capture import ENOUGH, CudaGraphs, Launched, Numbers, recording_allowed
from netspec_torch.devices import (
    explain_full_memory,
    find_device,
    help_for_batches,
)
from netspec_torch.examples import Batch, Part
from netspec_torch.feeding import feed
from netspec_torch.optimizers import COUNTERS, in_one_update
from netspec_torch.predictor import as_tuple, model_with, module_of, outputs_of
from netspec_torch.process import (
    RandomMasks,
    limited_threads,
    rounding_to_tf32,
)
from netspec_torch.results import Gathered, Results
from netspec_torch.rules import rule

STEPS_PER_REPORT = 125
"""Steps between two reports of progress, each of which waits for the device."""


class TorchTrainer(Predicting):
    """The program's module in training, with the images on the device."""

    def __init__(
        self,
        program: Program,
        examples: Examples,
        device: Device,
        threads: int | None,
    ) -> None:
        self._device, self.device = find_device(device)
        # At most PyTorch's default: one thread for each core, without second threads.
        self.threads = min(threads or torch.get_num_threads(), torch.get_num_threads())
        self._module = module_of(program)
        self._model: Any = model_with(self._module, program.weights)  # Any: a generated class
        self._model.to(self._device)
        self._shapes = {key: weight.shape for key, weight in program.graph.weights()}
        self._objectives = program.objectives
        self._tf32 = program.rounds_to_tf32
        self._logits = self._model.logits if any(program.taken_off) else self._model
        self._forward = self._logits
        self._optimizer: Any = self._module.build_optimizer(self._model)  # Any: as above
        self._scaler: torch.amp.GradScaler | None = None
        if hasattr(self._module, "autocast"):
            self._forward = _in_16_bits(self._logits, self._module.autocast(self._device.type))
        if hasattr(self._module, "build_scaler"):
            self._scaler = self._module.build_scaler(self._device.type)
        losses = self._module.build_loss()
        losses = losses if isinstance(losses, list) else [losses]
        self._losses: list[nn.Module] = (
            losses if examples.weights is None else [_of_each_example(loss) for loss in losses]
        )
        self._regularized = hasattr(self._model, "regularization")
        self._constrained = hasattr(self._model, "constrain")
        self._trained = [
            parameter for parameter in self._model.parameters() if parameter.requires_grad
        ]
        self._feed = feed(examples, self._device)
        train = program.train
        self._in_one_update = train is not None and in_one_update(train)
        slots = () if train is None else rule(train.optimizer).never_negative
        self._never_negative = {*slots, *COUNTERS, "scale"}
        self._epochs = 0 if train is None else train.epochs
        self._launch: Launched | None = None
        self._graphs = CudaGraphs(self._device)

    def epoch(
        self,
        order: NDArray[np.int64],
        batch_size: int,
        learning_rates: Array,
        mask_seed: int,
        loss_factors: Array | None = None,
    ) -> Iterator[Steps]:
        masks = RandomMasks(self._device, mask_seed)
        self._model.train()
        most = steps_per_report(STEPS_PER_REPORT, self._objectives, batch_size)
        most = self._feed.steps(batch_size, most)
        launch = self._launched(len(order) // batch_size, batch_size)
        fed = self._feed.parts(order, batch_size, most)
        for part, examples in zip(chunks(len(learning_rates), most), fed, strict=True):
            rates = learning_rates[part].tolist()
            factors = None if loss_factors is None else loss_factors[part].tolist()
            full = explain_full_memory(help_for_batches(batch_size))
            tf32 = rounding_to_tf32(self._device, allowed=self._tf32)
            with full, tf32, limited_threads(self.threads), masks.drawn():
                results = self._steps(examples, batch_size, rates, factors, launch)
            yield results.reported()

    def _launched(self, steps: int, size: int) -> Launched | None:
        """An object that takes several steps at once: on a GPU, for enough steps of one kind."""
        alike = self._in_one_update and not self._scaler
        enough = steps * self._epochs >= ENOUGH
        if not (self._device.type == "cuda" and alike and enough and recording_allowed()):
            return None
        if self._launch is None or self._launch.size != size:
            self._launch = Launched(self._updated, self._state, size, self._graphs)
        return self._launch

    def _state(self) -> Iterator[Tensor]:
        """The tensors that steps change."""
        yield from self._model.parameters()
        yield from self._model.buffers()
        for slots in self._optimizer.state.values():
            yield from slots.values()

    def _steps(
        self,
        examples: Part,
        size: int,
        rates: list[float],
        factors: list[list[float]] | None,
        launch: Launched | None,
    ) -> Results:
        """Take a step of `size` examples with each rate; the last batch may be smaller.

        Where gradients are accumulated, `launch` is None, and `factors` may multiply the losses.
        """
        gathered = Gathered(len(rates), len(examples))
        launched = len(examples) // size if launch else 0
        if launch and launched:
            numbers = [self._numbers(rate) for rate in rates[:launched]]
            for results in launch(examples[: launched * size], numbers):
                gathered.add(results)
        for step in range(launched, len(rates)):
            part = examples[step * size : (step + 1) * size]
            gathered.add(self._step(part, rates[step], factors[step] if factors else None))
        return gathered.results()

    def _numbers(self, rate: float) -> list[float]:
        """The numbers of the optimizer's next update."""
        self._optimizer.param_groups[0]["lr"] = rate
        numbers: list[float] = self._optimizer.numbers()
        return numbers

    def _step(self, examples: Part, rate: float, factors: list[float] | None) -> Results:
        """Take a step of the optimizer."""
        self._optimizer.param_groups[0]["lr"] = rate
        batch = examples.batch()
        results = None
        try:
            results = self._gradients(batch, factors)
        except torch.OutOfMemoryError:
            if self._launch is None or not self._launch.drop():
                raise
        # A recording has memory that this step may need. The weights have not changed yet.
        results = results or self._gradients(batch, factors)
        self._move()
        self._constrain()
        return results

    def _move(self) -> None:
        if self._scaler is None:
            self._optimizer.step()
        else:
            self._scaler.unscale_(self._optimizer)
            self._scaler.step(self._optimizer)
            self._scaler.update()

    def _updated(self, examples: Part, numbers: Numbers) -> Results:
        """Take a step with numbers that the optimizer returned before."""
        results = self._gradients(examples.batch())
        self._optimizer.update(*numbers)
        self._constrain()
        return results

    def _constrain(self) -> None:
        if self._constrained:
            self._model.constrain()

    def _gradients(self, batch: Batch, factors: list[float] | None = None) -> Results:
        """Set the gradients of all weights for a batch; `factors` multiply only the gradients."""
        for weight in self._trained:
            weight.grad = None
        outputs = as_tuple(self._forward(*batch.inputs))
        values = self._values(outputs, batch)
        penalties = [self._model.regularization()] if self._regularized else []
        loss = sum(penalties, self._total(values))
        minimized = loss if factors is None else sum(penalties, self._total(values, factors))
        (self._scaler.scale(minimized) if self._scaler else minimized).backward()
        correct = None
        if counts_answers(self._objectives):
            correct = self._right_answers(outputs[0].detach(), batch.targets[0]).sum()[None]
        by_output = [value.detach() for value in values]
        return Results(
            loss.detach()[None],
            torch.stack(by_output)[None] if len(by_output) > 1 else None,
            correct,
            tuple(output.detach() for output in outputs) if gives_logits(self._objectives) else (),
        )

    def _values(self, outputs: tuple[Tensor, ...], batch: Batch) -> list[Tensor]:
        """The loss of every output."""
        triples = zip(self._losses, outputs, batch.targets, strict=True)
        values = [loss(output, target) for loss, output, target in triples]
        if batch.weights is None:
            return values
        means = [value.flatten(1).mean(1) if value.ndim > 1 else value for value in values]
        return [(mean * batch.weights).mean() for mean in means]

    def _right_answers(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Whether the answers at the positions that count are right."""
        right, ignored = outputs.argmax(-1) == targets, self._objectives[0].ignored_index
        return right if ignored is None else right & (targets != ignored)

    def _total(self, values: list[Tensor], factors: list[float] | None = None) -> Tensor:
        """The value that training minimizes: the losses times their weights, and `factors`."""
        weights = [objective.weight for objective in self._objectives]
        if factors is not None:
            weights = [weight * factor for weight, factor in zip(weights, factors, strict=True)]
        pairs = zip(weights, values, strict=True)
        terms = [value if weight == 1 else weight * value for weight, value in pairs]
        return sum(terms[1:], terms[0])

    def outputs(self, *inputs: Array) -> tuple[Array, ...]:
        with limited_threads(self.threads):
            return outputs_of(self._model.eval(), self._device, inputs)

    def logits(self, *inputs: Array) -> tuple[Array, ...]:
        self._model.eval()
        with limited_threads(self.threads):
            return outputs_of(self._logits, self._device, inputs)

    def weights(self) -> dict[str, Array]:
        tensors = self._model.state_dict()
        return {
            key: _permuted_back(tensors[name].cpu().numpy(), axes, self._shapes[key])
            for key, (name, axes) in self._module.WEIGHTS.items()
        }

    @torch.no_grad()
    def swap_averages(self) -> None:
        for weight, slots in self._optimizer.state.items():
            if "average" in slots:
                before = weight.clone()
                weight.copy_(slots["average"])
                slots["average"].copy_(before)

    def optimizer_state(self) -> dict[str, NDArray[Any]]:
        (group,) = self._optimizer.param_groups
        scaler = self._scaler.state_dict() if self._scaler else {}
        scale = {f"scaler/{key}": np.array(value) for key, value in scaler.items()}
        return (
            scale
            | {key: np.array(group[key]) for key in COUNTERS if key in group}
            | {
                f"{name}/{slot}": value.cpu().numpy().copy()
                for name, parameter in self._model.named_parameters()
                for slot, value in self._optimizer.state.get(parameter, {}).items()
            }
        )

    @property
    def never_negative(self) -> frozenset[str]:
        keys = self.optimizer_state()
        return frozenset(key for key in keys if key.rpartition("/")[2] in self._never_negative)

    def restore(self, optimizer_state: dict[str, NDArray[Any]]) -> None:
        parameters = dict(self._model.named_parameters())
        (group,) = self._optimizer.param_groups
        if self._scaler:
            scaler = {
                key: optimizer_state[f"scaler/{key}"].item() for key in self._scaler.state_dict()
            }
            self._scaler.load_state_dict(scaler)
        for key, value in optimizer_state.items():
            if key.startswith("scaler/"):
                continue
            if key in COUNTERS:
                group[key] = value.item()
                continue
            name, slot = key.rsplit("/", 1)
            tensor = torch.from_numpy(value).to(self._device)
            target = parameters[name]
            if tensor.shape == target.shape:  # in the memory format of the optimizer
                tensor = torch.empty_like(target).copy_(tensor)
            self._optimizer.state[target][slot] = tensor


def _of_each_example(loss: nn.Module) -> nn.Module:
    """The same loss without the mean over the batch."""
    copied: Any = copy(loss)  # Any: a loss has the attribute
    copied.reduction = "none"
    return copied


def _in_16_bits(forward: Callable[..., Any], autocast: torch.autocast) -> Callable[..., Any]:
    """The same, computed in 16 bits. The outputs are float32, as a loss requires."""

    def outputs(*inputs: Tensor) -> Any:  # Any: one tensor or several
        with autocast:
            values = forward(*inputs)
        if isinstance(values, tuple):
            return tuple(value.float() for value in values)
        return values.float()

    return outputs


def _permuted_back(value: Array, axes: tuple[int, ...], shape: Shape) -> Array:
    permuted = value.reshape([shape[axis] for axis in axes])
    # A copy: without it, a step would also change these weights on the CPU.
    return np.array(permuted.transpose(np.argsort(axes)), order="C")

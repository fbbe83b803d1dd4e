"""What is compared: the outputs and the gradients of a backend with expected ones.

The expected values may come from anywhere. `check_derivatives` needs only a function that
computes in float64, and no automatic differentiation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.backend import Target
from netspec.backend.declaration import Declaration, ExactFunction, Gradients, missing_layers
from netspec.network import Network
from netspec.numerics.weights import Array, Weights
from netspec.testing.cases.base import Case
from netspec.testing.networks import all_random_inputs, of_case, random_weights

RELATIVE, ABSOLUTE = 1e-5, 1e-6
DIRECTIONS = 3
"""How many random directions a gradient is compared in."""

STEP = 1e-6
"""How far central differences move a value to each side."""


def prepare(case: Case, count: int = 3) -> tuple[Network, Weights, list[Array]]:
    """The network of a case, with random weights and `count` random examples of every input."""
    network = of_case(case)
    inputs = all_random_inputs(network.graph, count, whole=case.whole)
    return network, random_weights(network.graph), inputs


def layers_of(network: Network) -> list[str]:
    """The class names of the layers of a network, in order."""
    return [node.layer.tag for node in network.graph.nodes]


def missing_layer(backend: Target, declaration: Declaration, network: Network) -> str | None:
    """The reason why a backend cannot compile a network, where it lacks one of the layers."""
    tags = (tag for _, tag in missing_layers(declaration, network.graph))
    return next((f"{backend.name} has no {tag}" for tag in tags), None)


def known_gap(declaration: Declaration, case: Case, network: Network) -> str | None:
    """The reason that a backend declares for a case, or for one of its layers."""
    names = (str(case), *layers_of(network))
    return next((declaration.gaps[name] for name in names if name in declaration.gaps), None)


def check_outputs(
    backend: Target,
    network: Network,
    weights: Weights,
    inputs: list[Array],
    expected: Sequence[NDArray[np.floating]],
) -> None:
    """Compare the outputs for a batch, and for its first example, with expected ones.

    Type and shape must be equal, and values to a relative 1e-5 or an absolute 1e-6.
    """
    predictor = backend.predictor(network, weights, "cpu")
    batch = predictor.outputs(*inputs)
    single = predictor.outputs(*(values[:1] for values in inputs))
    for output, first, values in zip(batch, single, expected, strict=True):
        rounded = values.astype(np.float32)
        np.testing.assert_allclose(output, rounded, RELATIVE, ABSOLUTE, strict=True)
        np.testing.assert_allclose(first, rounded[:1], RELATIVE, ABSOLUTE, strict=True)


def check_gradients(gradients: Gradients, expected: Gradients, rounding: float = 1e-6) -> None:
    """Compare gradients and the statistics afterwards with expected ones.

    `rounding` is the largest value that a gradient of zero may have.
    """
    pairs = zip(gradients.inputs, expected.inputs, strict=True)
    for index, (gradient, values) in enumerate(pairs):
        _check_gradient(gradient, values, f"input {index}", rounding)
    _check_names(gradients.weights, expected.weights)
    for key, values in expected.weights.items():
        _check_gradient(gradients.weights[key], values, key, rounding)
    _check_names(gradients.statistics, expected.statistics)
    for key, values in expected.statistics.items():
        actual = gradients.statistics[key]
        np.testing.assert_allclose(actual, values, RELATIVE, ABSOLUTE, err_msg=key)


def _check_names(gradients: dict[str, Array], expected: dict[str, Array]) -> None:
    assert gradients.keys() == expected.keys(), f"{sorted(gradients)} are not {sorted(expected)}"


def _check_gradient(gradient: Array, expected: Array, key: str, rounding: float) -> None:
    """Within 1e-5 of the gradient's largest value: its sums cancel, and lose as many digits."""
    absolute = RELATIVE * np.abs(expected).max() + rounding
    np.testing.assert_allclose(gradient, expected, RELATIVE, absolute, err_msg=key, strict=True)


def check_derivatives(
    exact: ExactFunction,
    network: Network,
    weights: Weights,
    inputs: list[Array],
    cotangents: list[Array],
    gradients: Gradients,
    *,
    training: bool,
    whole: bool = False,
) -> None:
    """Compare gradients with central differences of a function that computes in float64.

    Each gradient is compared along random directions. Inputs that are `whole` numbers have none.
    """

    def total(name: str | int, moved: Any) -> float:  # Any: float64, where a spec has float32
        """The sum with the weight or the input of this name replaced."""
        replaced = {**weights, name: moved} if isinstance(name, str) else weights
        values = [moved if index == name else array for index, array in enumerate(inputs)]
        outputs = exact(network, replaced, values, training)
        return sum(float((y * c).sum()) for y, c in zip(outputs, cotangents, strict=True))

    for key, gradient in gradients.weights.items():
        _check_derivative(partial(total, key), weights[key], gradient, key)
    for index, gradient in enumerate([] if whole else gradients.inputs):
        _check_derivative(partial(total, index), inputs[index], gradient, f"input {index}")


def _check_derivative(
    function: Callable[[NDArray[np.float64]], float],
    values: Array,
    gradient: Array,
    key: str,
) -> None:
    """Compare a gradient with central differences along random directions."""
    assert gradient.shape == values.shape, f"{key} has the shape {values.shape}"
    random = np.random.default_rng(5)
    for _ in range(DIRECTIONS):
        direction = random.normal(0, 1, values.shape)
        ends = [function(values + sign * STEP * direction) for sign in (1, -1)]
        derivative = (ends[0] - ends[1]) / (2 * STEP)
        products = gradient * direction
        absolute = 1e-5 * float(np.abs(products).sum()) + 1e-5
        np.testing.assert_allclose(products.sum(), derivative, RELATIVE, absolute, err_msg=key)

"""The conformance tests as a class of pytest: derive from it, and name the backend."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

import numpy as np
import pytest

from netspec.backend import ExportingBackend, Target, find
from netspec.backend.declaration import Declaration, ExactFunction
from netspec.language.layers import LAYERS
from netspec.network import Network
from netspec.testing.cases import ALL, Case
from netspec.testing.checks import (
    check_derivatives,
    check_outputs,
    known_gap,
    missing_layer,
    prepare,
)
from netspec.testing.networks import all_random_inputs, random_cotangents, random_weights
from netspec.testing.training import LOSSES, LossCase, check_resumed, check_step, small_network
from netspec.text.diagnostics import BackendError


class BackendTests:
    """What every backend is tested for, as far as it declares that it can do it.

    A case with a layer that the backend lacks is an expected failure that names the layer. So is a
    case of a declared gap, and that test fails as soon as the case works.
    """

    backend: ClassVar[str]
    """The name of the backend's entry point."""

    reference: ClassVar[str] = "numpy"
    """The backend that computes the expected values in float64."""

    @pytest.mark.parametrize("case", ALL, ids=str)
    def test_outputs(self, case: Case, request: pytest.FixtureRequest) -> None:
        backend = declaring(self.backend)
        network, weights, inputs = prepare(case)
        expect_gap(backend, network, case, request)

        expected = exact_of(self.reference)(network, weights, inputs, False)

        check_outputs(backend, network, weights, inputs, expected)

    @pytest.mark.parametrize("case", ALL, ids=str)
    def test_gradients(self, case: Case, request: pytest.FixtureRequest) -> None:
        backend = declaring(self.backend)
        if declaration_of(self.backend).gradients is None:
            pytest.skip(f"{self.backend} declares no gradients")
        network, weights, inputs = prepare(case)
        training = not case.is_random
        expect_gap(backend, network, case, request)
        exact = exact_of(self.reference)
        cotangents = random_cotangents(exact(network, weights, inputs, False))

        gradients = backend.gradients(network, weights, inputs, cotangents, training=training)

        assert gradients is not None
        check_derivatives(
            *(exact, network, weights, inputs, cotangents, gradients),
            training=training,
            whole=bool(case.whole),
        )

    def test_declared_names_exist(self) -> None:
        declaration = declaration_of(self.backend)
        names = {*LAYERS, *map(str, ALL)}

        assert declaration.layers <= LAYERS.keys()
        assert declaration.gaps.keys() <= names
        assert declaration.notes.keys() <= LAYERS.keys()

    def test_cpu_is_a_device(self) -> None:
        assert "cpu" in declaring(self.backend).devices()

    @pytest.mark.parametrize("case", LOSSES, ids=str)
    def test_step_of_training(self, case: LossCase) -> None:
        check_step(training_backend(self.backend), case, exact_of(self.reference))

    @pytest.mark.parametrize("optimizer", ["sgd: {momentum: 0.9}", "adam"])
    def test_resumed_training_equals_unbroken_training(self, optimizer: str) -> None:
        check_resumed(training_backend(self.backend), optimizer)

    def test_exported_file_has_the_same_outputs(self) -> None:
        backend = declaring(self.backend)
        if not isinstance(backend.backend, ExportingBackend):
            pytest.skip(f"{self.backend} exports no files")
        network = small_network(LOSSES[0])
        expect_layers(backend, network)
        weights, inputs = random_weights(network.graph), all_random_inputs(network.graph, 3)

        content = backend.export(network, weights)

        (output,) = backend.open(content, "cpu").outputs(*inputs)
        (expected,) = exact_of(self.reference)(network, weights, inputs, False)
        np.testing.assert_allclose(output, expected, 1e-5, 1e-6)


@cache
def declaring(name: str) -> Target:
    """The backend of this name. Fails where it declares nothing."""
    try:
        backend = find(name)
    except BackendError as error:
        pytest.fail(str(error))
    if backend.declaration() is None:
        pytest.fail(f"the {name} backend has no method declaration; see DeclaringBackend")
    return backend


@cache
def declaration_of(name: str) -> Declaration:
    """What the backend of this name declares."""
    declaration = declaring(name).declaration()
    assert declaration is not None
    return declaration


@cache
def exact_of(name: str) -> ExactFunction:
    """The function of a backend that computes the expected values."""
    exact = declaration_of(name).exact
    if exact is None:
        pytest.fail(f"the {name} backend declares no exact outputs, as the numpy backend does")
    return exact


def training_backend(name: str) -> Target:
    """The backend of this name, or a skipped test where it does not train."""
    backend = declaring(name)
    expect_layers(backend, small_network(LOSSES[0]))
    if not backend.trains:
        pytest.skip(f"{name} does not train")
    return backend


def expect_layers(backend: Target, network: Network) -> None:
    """Make the test an expected failure where the backend lacks a layer of the network."""
    if reason := missing_layer(backend, declaration_of(backend.name), network):
        pytest.xfail(reason)


def expect_gap(
    backend: Target, network: Network, case: Case, request: pytest.FixtureRequest
) -> None:
    """Make the test an expected failure where the backend lacks a layer, or declares a gap.

    A test of a declared gap fails when the case works.
    """
    expect_layers(backend, network)
    if reason := known_gap(declaration_of(backend.name), case, network):
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))

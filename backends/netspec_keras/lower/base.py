"""What a layer becomes in Keras: the arguments of the Keras layer of the same name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

from netspec.backend.emit.code import Code, arguments, square
from netspec.language.layers import Layer
from netspec.language.layers.attention import Projecting
from netspec.language.layers.regularization import SpatialDropout
from netspec.language.layers.tagged import Tagged

Call = tuple[list[object], dict[str, object]]
"""The positional and the named arguments of a layer's constructor."""


@singledispatch
def lower(layer: Layer) -> Call:
    """The arguments of the Keras layer of the same name, those with Keras's defaults left out."""
    raise NotImplementedError(layer.tag)


@singledispatch
def applied(_layer: Layer, inputs: Sequence[str]) -> str:
    """What the layer is called with, for the variables that hold its inputs."""
    return inputs[0] if len(inputs) == 1 else f"[{', '.join(inputs)}]"


def class_name(layer: Layer) -> str:
    """The name under which keras.layers has the layer."""
    return _EXPORTED.get(layer.tag, layer.tag)


_EXPORTED = {"GroupedQueryAttention": "GroupQueryAttention"}
"""The classes that Keras 3.15 exports under another name than the name of the class."""


def changed(layer: Layer, *names: str) -> dict[str, Any]:
    """The fields among `names` that are not at Keras's defaults."""
    defaults = type(layer).model_fields
    values = {name: getattr(layer, name) for name in names}
    return {name: value for name, value in values.items() if value != defaults[name].default}


def axes(layer: Layer) -> dict[str, object]:
    """The field `axis` where it is not at Keras's default: one axis, or several."""
    return {
        name: axes[0] if len(axes) == 1 else axes for name, axes in changed(layer, "axis").items()
    }


def initializers(layer: Layer) -> dict[str, object]:
    """The initializers that are not at Keras's defaults."""
    fields = [name for name in type(layer).model_fields if name.endswith("_initializer")]
    return {name: _initializer(value) for name, value in changed(layer, *fields).items()}


def trained(layer: Layer) -> dict[str, object]:
    """Arguments that matter only in training: regularizers, constraints, and frozen weights."""
    named: dict[str, object] = {
        field: _called(_MODULES[field.rpartition("_")[2]], value)
        for field, value in changed(layer, *type(layer).model_fields).items()
        if field.endswith(("_regularizer", "_constraint"))
    }
    # Keras's SpatialDropout takes no `trainable`; it has no weights.
    stays = not layer.trainable and not isinstance(layer, SpatialDropout | Projecting)
    return named | {"trainable": False} if stays else named


def frozen_once_built(layer: Layer) -> bool:
    """Whether a layer's weights are frozen after it is built, not where it is created.

    Keras 3.15 makes the projections of an attention when it is built, and trains them all the same.
    """
    return isinstance(layer, Projecting) and not layer.trainable


_MODULES = {"regularizer": "keras.regularizers", "constraint": "keras.constraints"}


def _initializer(initializer: Tagged) -> str:
    """Its name, or a call of the Keras class of the same name with the fields that it sets."""
    if not initializer.model_dump(exclude_defaults=True):
        return initializer.tag
    return _called("keras.initializers", initializer)


def _called(module: str, value: Tagged) -> str:
    """A call of the Keras class of the same name."""
    fields = {
        name: square(field) if isinstance(field, tuple) else field
        for name, field in value.model_dump(exclude_defaults=True).items()
    }
    return Code(f"{module}.{type(value).__name__}({', '.join(arguments([], fields))})")

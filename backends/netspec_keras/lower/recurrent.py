"""Recurrent layers in Keras."""

from __future__ import annotations

from netspec.language.layers.recurrent import RecurrentLayer
from netspec_keras.lower.base import Call, changed, initializers, lower

_FIELDS = (
    *("activation", "recurrent_activation", "use_bias", "unit_forget_bias"),
    *("dropout", "recurrent_dropout", "reset_after", "return_sequences", "go_backwards"),
)


@lower.register
def _(layer: RecurrentLayer) -> Call:
    fields = [name for name in _FIELDS if name in type(layer).model_fields]
    return [layer.units], changed(layer, *fields) | initializers(layer)

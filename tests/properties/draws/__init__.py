"""Random fields for every layer of the vocabulary, by family, and random specs of these layers."""

from __future__ import annotations

from netspec.language.layers import LAYERS
from netspec.language.layers.families import family_modules
from properties.draws.base import Draws, Joins, by_declaration, needs_no_field

FAMILIES = family_modules(__name__)

_DECLARED = {tag: layer for tag, layer in LAYERS.items() if needs_no_field(layer)}

FIELDS: dict[str, Draws] = {
    **{
        tag: lambda shape, draws=by_declaration(layer): draws((shape,))
        for tag, layer in _DECLARED.items()
        if layer.takes.maximum == 1
    },
    **{tag: draws for family in FAMILIES for tag, draws in family.FIELDS.items()},
}
"""The fields of a layer of one input, by its class name."""

JOINS: dict[str, Joins] = {
    **{tag: by_declaration(layer) for tag, layer in _DECLARED.items() if layer.takes.maximum != 1},
    **{tag: joins for family in FAMILIES for tag, joins in getattr(family, "JOINS", {}).items()},
}
"""The fields of a layer of several inputs, by its class name."""

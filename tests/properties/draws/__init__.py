"""Random fields for every layer of the vocabulary, by family, and random specs made of them."""

from __future__ import annotations

from properties.draws import (
    attention,
    augmentation,
    convolution,
    core,
    merging,
    normalization,
    pooling,
    preprocessing,
    recurrent,
    regularization,
    shaping,
    wrapping,
)
from properties.draws.base import Draws, Joins

FAMILIES = (
    attention,
    augmentation,
    convolution,
    core,
    merging,
    normalization,
    pooling,
    preprocessing,
    recurrent,
    regularization,
    shaping,
    wrapping,
)

FIELDS: dict[str, Draws] = {
    tag: draws for family in FAMILIES for tag, draws in family.FIELDS.items()
}
"""The fields of a layer of one input, by its class name."""

JOINS: dict[str, Joins] = {
    tag: joins for family in FAMILIES for tag, joins in getattr(family, "JOINS", {}).items()
}
"""The fields of a layer of several inputs, by its class name."""

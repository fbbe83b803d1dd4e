"""The equation of an EinsumDense, as in `abc,cd->abd`: a letter for every axis."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from string import ascii_letters

from netspec.language.layers.base import LayerFault, Shape, written

_FORMS = {
    "none": re.compile(r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)"),
    "left": re.compile(r"\.\.\.([a-zA-Z]+),([a-zA-Z]+)->\.\.\.([a-zA-Z]+)"),
    "right": re.compile(r"([a-zA-Z]{2,})\.\.\.,([a-zA-Z]+)->([a-zA-Z]+)\.\.\."),
}
"""The forms that Keras takes (keras/src/layers/core/einsum_dense.py, 3.15), by the ellipsis."""


@dataclass(frozen=True)
class Einsum:
    """An equation for an input of known rank.

    `input`, `kernel` and `output` have a letter for every axis, also of the ellipsis and for the
    batch. `sizes` has the size of every letter but the batch's.
    """

    input: str
    kernel: str
    output: str
    sizes: dict[str, int]

    def shape(self, letters: str) -> Shape:
        """The sizes of some letters."""
        return tuple(self.sizes[letter] for letter in letters)

    @property
    def products(self) -> int:
        """How many products the sums have, for one example."""
        return prod(self.sizes.values())


def parse(equation: str, output_sizes: Shape, shape: Shape) -> Einsum:
    """The equation for an input of `shape`, with the sizes that the layer has for its output.

    Raises LayerFault for an equation that is none, or does not fit the shape or the sizes.
    """
    ellipsis, terms = _terms(equation)
    elided = len(shape) + 1 - len(terms[0])
    if elided < 0 or (elided and ellipsis == "none"):
        axes = f"{len(terms[0])} axes{' or more' if ellipsis != 'none' else ''}"
        raise _wrong(
            f"{equation} takes {axes}, the batch included, and gets {written(shape)} and the batch",
            "write a letter for every axis, or `...` for those that stay",
        )
    fill = "".join(letter for letter in ascii_letters if letter not in equation)[:elided]
    if len(fill) < elided:
        raise _wrong(f"{equation} leaves too few letters for {written(shape)}", "use fewer letters")
    stay = shape[: elided - 1]
    if ellipsis == "left" and stay != stay[::-1]:
        # Keras 3.15 infers their sizes in reverse (keras/src/layers/core/einsum_dense.py).
        message = f"`...` in {equation} is the axes {written(stay)}, which Keras takes in reverse"
        raise _wrong(message, "write a letter for every axis")
    left, right = (fill, "") if ellipsis == "left" else ("", fill)
    inputs, kernel, output = f"{left}{terms[0]}{right}", terms[1], f"{left}{terms[2]}{right}"
    _check_letters(equation, inputs, kernel, output)
    sizes = dict(zip(inputs[1:], shape, strict=True))
    letters = output[len(left) or 1 : len(output) - len(right)]
    if len(letters) != len(output_sizes):
        named = ", ".join(letters)
        help = f"write a size for each of {named}" if named else "add a letter to the output"
        raise LayerFault(
            f"output_shape {list(output_sizes)} does not have one size for every letter of the "
            f"output of {equation}, the batch left out",
            help,
            "output_shape",
        )
    for letter, size in zip(letters, output_sizes, strict=True):
        if sizes.setdefault(letter, size) != size:
            raise LayerFault(
                f"output_shape has {size} for {letter}, which is {sizes[letter]} in an input of "
                f"{written(shape)}",
                f"write {sizes[letter]}",
                "output_shape",
            )
    return Einsum(inputs, kernel, output, sizes)


def _terms(equation: str) -> tuple[str, tuple[str, str, str]]:
    """Where the ellipsis is, and the letters of the input, the kernel and the output."""
    for ellipsis, form in _FORMS.items():
        if match := form.fullmatch(equation):
            inputs, kernel, output = match.groups()
            return ellipsis, (inputs, kernel, output)
    raise _wrong(
        f"{equation!r} is not the equation of an input and a kernel",
        "write `ab,bc->ac`, `...b,bc->...c` or `ab...,bc->ac...`, with any letters",
    )


def _check_letters(equation: str, inputs: str, kernel: str, output: str) -> None:
    for letters in (inputs, kernel, output):
        if len(set(letters)) < len(letters):
            message = f"{equation} names an axis twice in {letters}"
            raise _wrong(message, "write every axis of a tensor with another letter")
    if inputs[0] != output[0] or inputs[0] in kernel:
        raise _wrong(
            f"{equation} does not keep the batch, the first axis of the input, first in the output",
            "begin the input and the output with the same letter, which the kernel has not, "
            "or with `...`",
        )
    for letter in output:
        if letter not in inputs and letter not in kernel:
            message = f"{equation} has {letter} in the output only"
            raise _wrong(message, "every axis of the output is one of the input or of the kernel")
    for letter in kernel:
        if letter not in inputs and letter not in output:
            message = f"{equation} has {letter} in the kernel only"
            raise _wrong(message, "every axis of the kernel is one of the input or of the output")


def _wrong(message: str, help: str) -> LayerFault:
    return LayerFault(message, help, "equation")

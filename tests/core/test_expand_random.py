"""Random expressions have Python's values, and random specs are valid or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from anywhere import VALUES, Change, changed, changes, located
from netspec.language.expansion.expression import (
    MAX_MAGNITUDE,
    ExpressionFault,
    Name,
    evaluate,
    parse,
)
from netspec.language.spec import resolved
from netspec.network import Network, build, loads
from netspec.text.diagnostics import SpecError

KNOWN = {"a": 7, "b": -2, "half": 0.5, "on": True, "none": 0}

OPERANDS = st.sampled_from(["a", "b", "half", "on", "none", "3", "0", "2.5", "1e3", "999999999"])


def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    symbols = st.sampled_from(["+", "-", "*", "//", "%"])
    comparisons = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    return st.one_of(
        st.builds("{} {} {}".format, inner, symbols, inner),
        st.builds("({} {} {})".format, inner, comparisons, inner),
        st.builds("({})".format, inner),
        st.builds("-{}".format, inner),
        st.builds("min({}, {})".format, inner, inner),
        st.builds("max({}, {})".format, inner, inner),
    )


EXPRESSIONS = st.recursive(OPERANDS, joined, max_leaves=8)


def known(name: Name) -> Any:
    if name.name not in KNOWN:
        raise ExpressionFault("unknown", "", None)
    return KNOWN[name.name]


def value(text: str) -> Any:
    """The value of an expression in netspec, or None where it is refused."""
    try:
        expression, _ = parse(f"$({text})", 2)
        return evaluate(expression, known)
    except ExpressionFault:
        return None


@given(EXPRESSIONS)
@settings(deadline=None, max_examples=300)
def test_an_expression_has_its_value_in_python(text: str) -> None:
    try:
        expected = eval(text, {"min": min, "max": max}, KNOWN)
    except ZeroDivisionError:
        expected = None
    number = value(text)

    if number is None:  # an intermediate result may be too large, or a divisor 0
        assert expected is None or "//" in text or "%" in text or "*" in text
    else:
        assert number == expected
        assert abs(number) <= MAX_MAGNITUDE


@given(st.text(alphabet=" ()+-*/%<>=!,.$ab1e'_minx\n", max_size=40))
@settings(deadline=None, max_examples=300)
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    assert value(text) is None or abs(value(text)) <= MAX_MAGNITUDE


# The whole language in one spec, so that an error can be anywhere.
WHOLE: Any = yaml.safe_load("""
netspec: 1
name: whole_$size
input: [8, $size, 1]
variables: {size: 8, filters: 4, rate: 0.5, sizes: [3, 3], relu: relu, double: $(2 * size)}
blocks:
  unit:
    parameters: {filters: , size: 3, activation: $relu}
    layers:
      - Conv2D: {filters: $filters, kernel_size: $size, padding: same, activation: $activation}
      - BatchNormalization: {name: norm}
      - Dropout: {rate: $rate, inputs: norm, repeat: $(filters > 4)}
  pair:
    parameters: {filters: $filters}
    layers:
      - unit: {filters: "$(filters * (index + 1))", repeat: 2, name: units}
      - Activation: {activation: elu, inputs: units_1}
layers:
  - unit: {filters: $filters, inputs: input}
  - pair: {repeat: 2}
  - pair: {filters: 3, name: last}
  - MaxPooling2D: {pool_size: $(size // 4), inputs: [last]}
  - Flatten
  - Dense: {units: $(10 + index), repeat: 1, name: dense}
  - Activation: {activation: softmax, inputs: dense}
output: activation
data: {dataset: npz, path: a.npz, scale: $size}
train: {loss: sparse_categorical_crossentropy, epochs: $double, optimizer: {sgd: {momentum: $rate}}}
""")

TEXTS = st.sampled_from(
    [
        *("$size", "$(size", "$(size * 2)", "$sizes", "$index", "$(index // 0)", "$x", "$", "$$"),
        *("input", "unit", "pair", "last", "units", "norm", "unit/norm", "$(1 > 0)", "$relu$size"),
        *([{"unit": {"filters": 2}}], [{"pair": None}], ["pair"], {"repeat": 3}, {"name": "a"}),
    ]
)


@given(changes(WHOLE, VALUES | TEXTS))
@settings(deadline=None, max_examples=300)
def test_any_data_is_a_network_or_refused(changes: list[Change]) -> None:
    try:
        network = build(changed(WHOLE, changes), Path())
    except SpecError as error:
        assert str(error).startswith("error[")
    else:
        assert isinstance(network, Network)
        assert loads(resolved(network.spec)).graph == network.graph


def test_the_whole_language_is_valid() -> None:
    names = [node.name for node in build(located(WHOLE), Path()).graph.nodes]

    assert names[:3] == ["unit/conv2d", "unit/norm", "pair_0/units_0/conv2d"]

"""The text of a spec is YAML 1.2's core schema with limits, and every value knows its place."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspec.text.diagnostics import NetspecError, Place, SpecError
from netspec.text.source import MAX_BYTES, MAX_DEPTH, MAX_DIGITS, MAX_VALUES, Data, parse, read

# The rows of the table in section 10.3.2 of the YAML 1.2.2 specification.
CORE_SCHEMA: dict[str, Any] = {
    "null": None,
    "Null": None,
    "NULL": None,
    "~": None,
    "": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    "0": 0,
    "12": 12,
    "+12": 12,
    "-12": -12,
    "0777": 777,
    "0o14": 12,
    "0o777": 511,
    "0xC": 12,
    "0xdeadBEEF": 0xDEADBEEF,
    "1.5": 1.5,
    "-1.5": -1.5,
    "+1.5": 1.5,
    "1.": 1.0,
    ".5": 0.5,
    "-.5": -0.5,
    "1e3": 1000.0,
    "1e-3": 0.001,
    "1E+3": 1000.0,
    "-2E-2": -0.02,
    "1.5e3": 1500.0,
    "1.e3": 1000.0,
    ".5e1": 5.0,
    "-0.0": -0.0,
    ".inf": math.inf,
    ".Inf": math.inf,
    ".INF": math.inf,
    "+.inf": math.inf,
    "-.inf": -math.inf,
    "-.INF": -math.inf,
}

# Booleans, numbers and dates in YAML 1.1 or in Python, and texts similar to rows of the table.
TEXTS = [
    *("yes", "Yes", "YES", "no", "No", "NO", "on", "On"),
    *("ON", "off", "Off", "OFF", "y", "Y", "n", "N"),
    *(
        "1_000",
        "0b1",
        "0b1010",
        "12:30:45",
        "190:20:30.15",
        "2001-12-14",
        "2001-12-14t21:59:43.10-05:00",
        "=",
    ),
    *("tRUE", "nULL", "None", "none", "NaN", "nan", "inf", ".iNF"),
    *(".nAn", "+.nan", "-.nan", "infinity", "0o8", "0xG", "0X1F", "0O17"),
    *("-0x10", "+0x10", "-0o7", "0x", "0o", "+", ".", ".e1"),
    *("e3", "1e", "1e+", "1.5.2", "1,000", "1e3.5", "١٢"),
]


@pytest.mark.parametrize("text", CORE_SCHEMA)
def test_a_plain_scalar_reads_by_the_core_schema(text: str) -> None:
    (value,) = read_mapping(f"key: {text}").values()

    assert (type(value), repr(value)) == (type(CORE_SCHEMA[text]), repr(CORE_SCHEMA[text]))


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_nan_is_a_float(text: str) -> None:
    value = parse(f"key: {text}").data["key"]

    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize("text", TEXTS)
def test_other_plain_scalars_stay_texts(text: str) -> None:
    assert read_mapping(f"key: {text}") == {"key": text}


@pytest.mark.parametrize("text", ["1", "1.5", "true", "null", "~", "0x10", ".inf", "yes", ""])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_quoted_scalar_is_a_text(text: str, quote: str) -> None:
    assert read_mapping(f"key: {quote}{text}{quote}") == {"key": text}


def test_a_block_scalar_is_a_text() -> None:
    assert read_mapping("a: |\n  1\nb: >-\n  true\n") == {"a": "1\n", "b": "true"}


def test_keys_that_are_all_whole_numbers_are_texts() -> None:
    assert parse("{0: 1.0, -1: 2.0, 12: 3.0}").data == {"0": 1.0, "-1": 2.0, "12": 3.0}


@pytest.mark.parametrize("text", ["{0: 1, a: 2}", "{0x1: 1}", "{007: 1}", "{+1: 1}", "{true: 1}"])
def test_other_keys_are_written_as_texts(text: str) -> None:
    with pytest.raises(SpecError, match="a key must be a text"):
        parse(text)


def test_a_merged_mapping_adds_missing_keys() -> None:
    text = "base: &base {a: 1, b: 1}\nderived:\n  b: 2\n  <<: *base\n  c: 3\n"

    assert read_mapping(text)["derived"] == {"a": 1, "b": 2, "c": 3}


def test_of_several_merged_mappings_the_first_counts() -> None:
    text = "one: &one {a: 1}\ntwo: &two {a: 2, b: 2}\nboth: {<<: [*one, *two]}\n"

    assert read_mapping(text)["both"] == {"a": 1, "b": 2}


def test_a_merged_mapping_may_itself_be_merged() -> None:
    text = "one: &one {a: 1}\ntwo: &two {<<: *one, b: 2}\nthree: {<<: *two, c: 3}\n"

    assert read_mapping(text)["three"] == {"a": 1, "b": 2, "c": 3}


def test_whole_numbers_stay_keys_beside_a_merged_mapping() -> None:
    text = "one: &one {0: 1}\ntwo: {<<: *one, 1: 2}\n"

    assert read_mapping(text)["two"] == {"0": 1, "1": 2}


def test_a_quoted_merge_key_is_a_text() -> None:
    assert read_mapping('a: {"<<": {b: 1}}\n')["a"] == {"<<": {"b": 1}}


def test_an_alias_repeats_the_value_of_its_anchor() -> None:
    assert read_mapping("a: &x [1, two]\nb: *x\nc: [*x]\n") == {
        "a": [1, "two"],
        "b": [1, "two"],
        "c": [[1, "two"]],
    }


# json.dumps escapes characters beyond the Basic Multilingual Plane as surrogates, which YAML need not
# read. It does not escape DEL, which libyaml does not read.
CHARACTERS = st.characters(
    max_codepoint=0xFFFF, exclude_categories=["Cs"], exclude_characters="\x7f"
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**38), 10**38)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(CHARACTERS, max_size=30),
    lambda values: st.lists(values) | st.dictionaries(st.text(CHARACTERS, max_size=30), values),
    max_leaves=20,
)


@given(JSON, st.sampled_from([None, 2]))
@settings(deadline=None)
def test_json_reads_as_in_json(value: Data, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)

    assert json.dumps(parse(text).data, indent=indent) == text


@given(st.text() | st.binary())
@settings(deadline=None)
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    try:
        parse(text)
    except SpecError as error:
        assert str(error).startswith("error[")


PLACES = """\
name: example
layers:
  - Conv2D:
      filters: 32
      strides: [1, 22]
  - {Dense: {units: "ten", use_bias: true}}
  - Flatten
"""


@pytest.mark.parametrize(
    ("location", "line", "column", "text"),
    [
        (("name",), 1, 7, "example"),
        (("layers",), 3, 3, "-"),
        (("layers", 0), 3, 5, "C"),
        (("layers", 0, "Conv2D"), 4, 7, "f"),
        (("layers", 0, "Conv2D", "filters"), 4, 16, "32"),
        (("layers", 0, "Conv2D", "strides"), 5, 16, "["),
        (("layers", 0, "Conv2D", "strides", 1), 5, 20, "22"),
        (("layers", 1), 6, 5, "{"),
        (("layers", 1, "Dense", "units"), 6, 21, '"ten"'),
        (("layers", 1, "Dense", "use_bias"), 6, 38, "true"),
        (("layers", 2), 7, 5, "Flatten"),
    ],
    ids=str,
)
def test_a_value_knows_its_place(
    location: tuple[str | int, ...], line: int, column: int, text: str
) -> None:
    place = parse(PLACES, "a.yaml").place(location)

    assert (place.file, place.line, place.column, pointed_at(place)) == (
        "a.yaml",
        line,
        column,
        text,
    )


@pytest.mark.parametrize(
    ("location", "line", "column", "text"),
    [
        (("name",), 1, 1, "name"),
        (("layers",), 2, 1, "layers"),
        (("layers", 0, "Conv2D"), 3, 5, "Conv2D"),
        (("layers", 0, "Conv2D", "strides"), 5, 7, "strides"),
        (("layers", 1, "Dense"), 6, 6, "Dense"),
        (("layers", 1, "Dense", "use_bias"), 6, 28, "use_bias"),
    ],
    ids=str,
)
def test_a_key_knows_its_place(
    location: tuple[str | int, ...], line: int, column: int, text: str
) -> None:
    place = parse(PLACES).place(location, key=True)

    assert (place.line, place.column, pointed_at(place)) == (line, column, text)


def test_a_bare_name_has_its_keys_place() -> None:
    place = parse(PLACES).place(("layers", 2, "Flatten"), key=True)

    assert (place.line, place.column, pointed_at(place)) == (7, 5, "Flatten")


def test_a_bare_name_is_not_its_parent_key() -> None:
    place = parse("train: {loss: mse}").place(("train", "loss", "mse"), key=True)

    assert pointed_at(place) == "mse"


def test_pydantic_types_are_no_step_of_paths() -> None:
    source = parse("data: {dataset: npz, path: pets.npz}")

    assert pointed_at(source.place(("data", "npz", "path"))) == "pets.npz"
    assert pointed_at(source.place(("data", "npz"), key=True)) == "data"


def test_a_missing_field_has_its_mappings_place() -> None:
    place = parse(PLACES).place(("layers", 1, "Dense", "activation"))

    assert (place.line, place.column) == (6, 13)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1\nküche: {größe: 3}", 2, 16),
        ("a: 1\n日本: {b: 3}", 2, 9),
        ("a: 1\n😀: {b: 3}", 2, 8),
        ("a: 1\r\nx: {b: 3}\r\n", 2, 8),
        ("a: 1\rx: {b: 3}", 2, 8),
        ("\ufeffx: {b: 3}", 1, 8),
        ("a:\t1\nx:\t{b:\t3}", 2, 8),
        ("# one\n\n# two\nx: {b: 3}", 4, 8),
        ("a: |\n  one\n  two\nx: {b: 3}", 4, 8),
    ],
    ids=["umlauts", "wide", "emoji", "crlf", "cr", "bom", "tabs", "comments", "block"],
)
@pytest.mark.parametrize("form", [str, str.encode], ids=["text", "bytes"])
def test_columns_count_characters(text: str, line: int, column: int, form: Any) -> None:
    source = parse(form(text))
    *_, (key, inner) = source.root.members.items()
    ((field, _),) = inner.members.items()

    place = source.place((key, field))

    assert (place.line, place.column, pointed_at(place)) == (line, column, "3")


def test_a_line_is_shown_without_its_end() -> None:
    assert parse("a: 1\r\nb: 2\r\n").place(("a",)).text == "a: 1"


def test_an_alias_has_its_anchors_place() -> None:
    place = parse("a: &x {b: 3}\nc: *x\n").place(("c", "b"))

    assert (place.line, place.column) == (1, 11)


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("a: 1\nb: 2\na: 3", (1, 1), (3, 1)),
        ("{a: 1, b: 2, a: 3}", (1, 2), (1, 14)),
        ("'a': 1\na: 2", (1, 1), (2, 1)),
        ("x:\n  - {b: 1}\n  - b: 1\n    b: 2", (3, 5), (4, 5)),
    ],
    ids=["block", "flow", "quoted", "inner"],
)
def test_a_repeated_key_is_shown_twice(
    text: str, first: tuple[int, int], second: tuple[int, int]
) -> None:
    (diagnostic,) = refusal(text).diagnostics

    assert diagnostic.code == "duplicate-key"
    assert (diagnostic.place.line, diagnostic.place.column) == second
    assert diagnostic.related is not None
    assert (diagnostic.related[1].line, diagnostic.related[1].column) == first


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("a: !!str 1", "tag", 4),
        ("a: !!python/object/apply:os.system [x]", "tag", 4),
        ("a: !mine {b: 1}", "tag", 4),
        ("a: ! 1", "tag", 4),
        ("!!map {a: 1}", "tag", 1),
        ("!!str a: 1", "key", 1),
        ("&x a: 1", "key", 1),
        ("1: a\nb: c", "key", 1),
        ("true: a", "key", 1),
        ("~: a", "key", 1),
        ("? [a]\n: b", "key", 3),
        ("a: *x", "alias", 4),
        ("a: &x [1, *x]", "alias", 11),
        ("a: b: c", "yaml", 5),
        ("a: [1, 2", "yaml", 4),
        ("a: \x00", "yaml", 4),
        ("a: \x07", "yaml", 4),
        ("a: \x1b[31m", "yaml", 4),
        ("a: \udcff", "yaml", 4),
        ("a: " + "1" * (MAX_DIGITS + 1), "number", 4),
        ("a: 0." + "1" * MAX_DIGITS, "number", 4),
        ("a: 0x" + "f" * MAX_DIGITS, "number", 4),
        ("a: 0o" + "7" * MAX_DIGITS, "number", 4),
        ("a: " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "depth", 4 + MAX_DEPTH),
    ],
    ids=lambda value: str(value)[:40].encode("ascii", "backslashreplace").decode(),
)
def test_unsupported_yaml_is_refused_at_its_place(text: str, code: str, column: int) -> None:
    (diagnostic,) = refusal(text).diagnostics

    assert (diagnostic.code, diagnostic.place.line, diagnostic.place.column) == (code, 1, column)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "\ufeff"])
def test_an_empty_file_is_refused(text: str) -> None:
    assert refusal(text).diagnostics[0].code == "empty"


def test_a_byte_outside_utf8_has_its_place() -> None:
    (diagnostic,) = refusal("a: 1\nküche: ".encode() + b"\xe9t\xe9").diagnostics

    assert (diagnostic.code, diagnostic.place.line, diagnostic.place.column) == ("encoding", 2, 8)
    assert diagnostic.place.text == "küche: \ufffdt\ufffd"


def test_the_deepest_values_are_read() -> None:
    text = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)

    assert json.dumps(parse(text).data) == text


def test_the_longest_number_is_read() -> None:
    assert read_mapping("a: " + "9" * MAX_DIGITS) == {"a": 10**MAX_DIGITS - 1}


def test_the_largest_file_is_read() -> None:
    assert read_mapping("a: 1 #".ljust(MAX_BYTES, "x")) == {"a": 1}


def test_a_file_beyond_the_largest_is_refused() -> None:
    assert refusal("a: 1 #".ljust(MAX_BYTES + 1, "x")).diagnostics[0].code == "size"


def test_values_are_counted_with_their_aliases_written_out() -> None:
    thousand = "a: &a [" + "0, " * 999 + "0]\n"
    fits = MAX_VALUES // 1001 - 1
    parse(thousand + "b: [" + "*a, " * (fits - 1) + "*a]\n")

    assert refusal(thousand + "b: [" + "*a, " * (fits + 1) + "*a]\n").diagnostics[0].code == "size"


def test_a_missing_file_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(NetspecError, match=r"there is no file .*absent\.yaml"):
        read(tmp_path / "absent.yaml")


def test_a_folder_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(NetspecError, match="cannot be read"):
        read(tmp_path)


def read_mapping(text: str) -> dict[str, Data]:
    data = parse(text).data
    assert isinstance(data, dict)
    return data


def refusal(text: str | bytes) -> SpecError:
    with pytest.raises(SpecError) as caught:
        parse(text)
    return caught.value


def pointed_at(place: Place) -> str:
    """The part of the line above the carets."""
    return place.text[place.column - 1 : place.column - 1 + place.length]

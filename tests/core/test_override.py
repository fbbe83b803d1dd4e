"""`--set` sets the value of a path, and its errors have a place on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netspec.network import build, load
from netspec.text.diagnostics import Place, SpecError
from netspec.text.override import Override, apply
from netspec.text.source import Data, Source, parse

SPEC = """\
name: example
train:
  epochs: 5
  optimizer: {adam: {learning_rate: 1e-3}}
layers:
  - Conv2D: {filters: 8}
  - Flatten
"""


@pytest.mark.parametrize(
    ("text", "location", "value"),
    [
        ("train.epochs=7", ("train", "epochs"), 7),
        ("train.epochs= 7", ("train", "epochs"), 7),
        ("train.seed=0x10", ("train", "seed"), 16),
        ("name=yes", ("name",), "yes"),
        ("name=a=b", ("name",), "a=b"),
        ("train.optimizer=sgd", ("train", "optimizer"), "sgd"),
        ("train.optimizer={sgd: {momentum: 0.9}}", ("train", "optimizer", "sgd", "momentum"), 0.9),
        ("layers.0.Conv2D.filters=16", ("layers", 0, "Conv2D", "filters"), 16),
        ("layers.1={Flatten: {name: flat}}", ("layers", 1, "Flatten", "name"), "flat"),
        ("train.epochs=", ("train", "epochs"), None),
        ("train.epochs=null", ("train", "epochs"), None),
        ("netspec=1", ("netspec",), 1),
        ("data.scale=255", ("data", "scale"), 255),
    ],
)
def test_an_override_sets_the_value_at_its_path(
    text: str, location: tuple[str | int, ...], value: Data
) -> None:
    assert value_at(apply_overrides(text).data, location) == value


def test_an_override_keeps_all_other_values() -> None:
    data: Any = parse(SPEC).data
    data["train"]["epochs"] = 7

    assert apply_overrides("train.epochs=7").data == data


def test_an_override_does_not_change_the_source() -> None:
    source = parse(SPEC)

    apply(source, override("train.epochs=7"))

    assert value_at(source.data, ("train", "epochs")) == 5


def test_a_later_override_wins() -> None:
    assert (
        value_at(apply_overrides("train.epochs=7", "train.epochs=8").data, ("train", "epochs")) == 8
    )


def test_an_overridden_value_has_the_command_lines_place() -> None:
    place = apply_overrides("train.epochs=many").place(("train", "epochs"))

    assert (str(place), pointed_at(place)) == ("<command line>:1:14", "many")


@pytest.mark.parametrize(
    ("text", "location", "column"),
    [
        ("train.in=7", ("train", "in"), 7),
        ("train.t.in=7", ("train", "t", "in"), 9),
        ("train.t.in=7", ("train", "t"), 7),
        ("layers.0.Conv2D.0=7", ("layers", 0, "Conv2D", "0"), 17),
        ("train.in={a: 1}", ("train", "in"), 7),
    ],
)
def test_an_added_key_has_the_command_lines_place(
    text: str, location: tuple[str | int, ...], column: int
) -> None:
    place = apply_overrides(text).place(location, key=True)

    assert (str(place), pointed_at(place)) == (f"<command line>:1:{column}", location[-1])


def test_another_value_keeps_its_place_in_the_file() -> None:
    source = apply_overrides("train.epochs=7")
    place = source.place(("train", "optimizer", "adam", "learning_rate"))

    assert (str(place), pointed_at(place)) == ("a.yaml:4:37", "1e-3")


@pytest.mark.parametrize(
    ("text", "column", "help"),
    [
        ("layers.2=Flatten", 8, "items count from 0, as in layers.0"),
        ("layers.-1=Flatten", 8, "items count from 0, as in layers.0"),
        ("layers.last=Flatten", 8, "items count from 0, as in layers.0"),
        ("train.epochs.train=7", 14, "the path leads through mappings and lists"),
        ("layers.1.Flatten.name=flat", 10, "the path leads through mappings and lists"),
    ],
)
def test_a_path_through_missing_values_is_refused(text: str, column: int, help: str) -> None:
    (diagnostic,) = refusal(text).diagnostics

    assert (diagnostic.code, str(diagnostic.place), diagnostic.help) == (
        "set",
        f"<command line>:1:{column}",
        help,
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [("name=[1", "yaml"), ("name=!!python/name:os.system", "tag"), ("name=\udcff", "yaml")],
    ids=["bracket", "tag", "surrogate"],
)
def test_an_override_is_read_strictly(text: str, code: str) -> None:
    assert refusal(text).diagnostics[0].code == code


def test_a_misspelt_path_is_shown() -> None:
    text = "netspec: 1\nname: example\ninput: [4]\nlayers: [Flatten]\n"

    with pytest.raises(SpecError) as caught:
        build(apply(parse(text, "a.yaml"), override("nmae=other")), Path())

    assert str(caught.value) == (
        "error[unknown-field]: the spec has no field 'nmae'\n"
        " --> <command line>:1:1\n"
        "  |\n"
        "1 | nmae=other\n"
        "  | ^^^^\n"
        "  |\n"
        "  = help: did you mean `name`?"
    )


def test_a_network_is_loaded_with_its_overrides(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("netspec: 1\nname: a\ninput: [4]\nlayers: [Dense: {units: 2}]\n")

    network = load(path, [override("layers.0.Dense.units=3"), override("name=b")])

    assert (network.graph.name, network.graph.output.shape) == ("b", (3,))


def override(text: str) -> Override:
    path, _, value = text.partition("=")
    return Override(text, path, value)


def apply_overrides(*texts: str) -> Source:
    source = parse(SPEC, "a.yaml")
    for text in texts:
        source = apply(source, override(text))
    return source


def refusal(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        apply_overrides(text)
    return caught.value


def value_at(data: Any, location: tuple[str | int, ...]) -> Any:
    for step in location:
        data = data[step]
    return data


def pointed_at(place: Place) -> str:
    """The part of the line above the carets."""
    return place.text[place.column - 1 : place.column - 1 + place.length]


def test_an_item_of_5000_digits_is_not_there():
    # Python reads no number of more than 4,300 digits (sys.set_int_max_str_digits).
    with pytest.raises(SpecError, match="there is no item") as raised:
        apply(parse("layers: [Flatten]"), Override("--set x", f"layers.{'9' * 5000}", "1"))
    assert raised.value.diagnostics[0].help == "items count from 0, as in layers.0"

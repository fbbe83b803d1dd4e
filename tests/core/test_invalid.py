"""Every error of a spec is shown at its place, as in the catalogue of errors of the documentation.

A case of `docs/errors/*.md` is a heading, the spec and the message. Specs that are too large for a page,
or are not text, are written here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from anywhere import Change, changed, changes, located
from netspec.language.layers import LAYERS
from netspec.network import Network, build, load, loads
from netspec.text.codes import Code
from netspec.text.diagnostics import SpecError

CATALOGUE = Path(__file__).parents[2] / "docs/errors"
INDEX = CATALOGUE / "README.md"
PAGES = sorted(set(CATALOGUE.glob("*.md")) - {INDEX})

CASE = re.compile(
    r"^## (?P<name>.+)\n\n"
    r"(?:```yaml\n(?P<spec>(?:(?!```).*\n)*)```|(?P<about>[^`#\n].*|`.*))\n\n"
    r"```text\n(?P<message>(?:(?!```).*\n)+)```$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Case:
    """A spec with an error, and the message on the page. `spec` is None if it is written here."""

    page: Path
    name: str
    spec: str | None
    message: str

    @property
    def content(self) -> bytes:
        return MADE[self.name]() if self.spec is None else self.spec.encode()

    def update(self, message: str) -> None:
        """Replace the message on the page."""

        def updated(case: re.Match[str]) -> str:
            if case["name"] != self.name:
                return case[0]
            return case[0].replace(f"```text\n{self.message}", f"```text\n{message}")

        text = self.page.read_text(encoding="utf-8")
        self.page.write_text(CASE.sub(updated, text), encoding="utf-8")


def read_cases(page: Path) -> list[Case]:
    text = page.read_text(encoding="utf-8")
    return [Case(page, case["name"], case["spec"], case["message"]) for case in CASE.finditer(text)]


CASES = [case for page in PAGES for case in read_cases(page)]
EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

BEGINNING = "netspec: 1\nname: example\ninput: [8, 8, 1]\n"
ENDING = "layers:\n  - Flatten\n  - Dense: {units: 10, activation: softmax}\n"

MADE: dict[str, Callable[[], bytes]] = {
    "file of three megabytes": lambda: (BEGINNING + "# large\n" * 400_000 + ENDING).encode(),
    "number of 5000 digits": lambda: (BEGINNING + ENDING).replace("10", "1" * 5000).encode(),
    "hexadecimal of 5000 digits": lambda: (
        (BEGINNING + ENDING).replace("10", "0x" + "f" * 5000).encode()
    ),
    "line of 5000 characters": lambda: (
        f"{BEGINNING}layers: [{'Flatten, ' * 500}Flaten, {'Flatten, ' * 50}]\n".encode()
    ),
    "nesting of 100000": lambda: (BEGINNING + "layers: " + "[" * 100_000 + "\n").encode(),
    "a hundred inputs and one": lambda: (
        f"netspec: 1\nname: example\ninput: {{{', '.join(f'x{index}: [1]' for index in range(101))}}}\n"
        "layers: [{Dense: {units: 1, inputs: x0}}]\n"
    ).encode(),
    "twenty thousand layers and one": lambda: (
        BEGINNING + "layers:\n" + "  - Flatten\n" * 20_001
    ).encode(),
    "variable list in many copies": lambda: (
        BEGINNING
        + f"variables: {{sizes: [{', '.join(['1'] * 1_000)}]}}\n"
        + "layers:\n  - Conv2D: {filters: 8, kernel_size: $sizes, repeat: 1000}\n"
    ).encode(),
    "ten thousand keys and one": lambda: (
        BEGINNING + "variables:\n" + "".join(f"  v{index}: 1\n" for index in range(10_001)) + ENDING
    ).encode(),
    "not utf8": lambda: (BEGINNING + "description: f\xfcr\n" + ENDING).encode("latin-1"),
    "utf16": lambda: (BEGINNING + ENDING).encode("utf-16-le"),
    "nul byte": lambda: (BEGINNING + "description: a\0b\n" + ENDING).encode(),
    "terminal escape": lambda: (BEGINNING + "description: \x1b[2J\n" + ENDING).encode(),
    "bytes of an archive": lambda: b"PK\x03\x04\x14\x00\x08\x00\x08\x00\xc8\x9a\x8f\x5a\x00\x00",
}


@EVERY_CASE
def test_the_message_is_the_one_in_the_catalogue(
    case: Case, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "spec.yaml").write_bytes(case.content)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SpecError) as caught:
        load("spec.yaml")

    message = f"{caught.value}\n"
    if request.config.getoption("--update"):
        case.update(message)
    else:
        assert message == case.message


@EVERY_CASE
def test_a_message_has_the_form_of_a_diagnostic(case: Case) -> None:
    for diagnostic in case.message.rstrip("\n").split("\n\n"):
        first, *_ = diagnostic.splitlines()

        assert re.fullmatch(r"error\[[a-z-]+\]: .*[^.]", first)
        assert "--> spec.yaml:" in diagnostic
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", diagnostic)  # harmless on a terminal


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_consists_of_cases(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    title, empty, about, *_ = text.splitlines()
    cases = [case[0] for case in CASE.finditer(text)]

    assert title.startswith("# ")
    assert text == "\n\n".join([title, about, *cases]) + "\n"
    assert not empty


def test_every_case_has_a_unique_name() -> None:
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []
    assert {case.name for case in CASES if case.spec is None} == set(MADE)


def test_every_code_has_a_case() -> None:
    codes = {
        code
        for case in CASES
        for code in re.findall(r"^error\[(.*?)\]", case.message, re.MULTILINE)
    }

    # Codes of the command line: its settings, its trainings, and their places.
    assert codes == set(Code) - {Code.SET, Code.WEIGHTS, Code.DEVICE, Code.BACKEND}


def test_the_index_lists_pages_and_codes(request: pytest.FixtureRequest) -> None:
    text = INDEX.read_text(encoding="utf-8")
    (example,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    assert example in [case.message for case in CASES]
    beginning, heading, _ = text.partition("## Pages\n")
    expected = beginning + heading + _lists()
    if request.config.getoption("--update"):
        INDEX.write_text(expected, encoding="utf-8")
    else:
        assert text == expected


def _lists() -> str:
    """The pages, with their first sentences, and the codes."""
    lines = ["", "| page | cases | about |", "|---|---|---|"]
    for page in PAGES:
        title, _, about, *_ = page.read_text(encoding="utf-8").splitlines()
        lines.append(f"| [{title[2:]}]({page.name}) | {len(read_cases(page))} | {about} |")
    lines += ["", "## Codes", "", "`netspec explain CODE` prints these paragraphs."]
    for code in Code:
        lines += ["", f"### {code}", "", fill(code.explanation, 100)]
    return "\n".join([*lines, ""])


CHOICES = [
    (tag, name)
    for tag, layer in LAYERS.items()
    for name, field in layer.model_fields.items()
    if "Literal" in str(field.annotation)
]


@pytest.mark.parametrize(("tag", "field"), CHOICES)
def test_a_wrong_choice_names_the_choices(tag: str, field: str) -> None:
    with pytest.raises(SpecError) as caught:
        loads(f"{BEGINNING}layers: [{tag}: {{{field}: nonsense}}]\n")

    message = f"{field} cannot be the text 'nonsense'"
    (wrong,) = (
        diagnostic for diagnostic in caught.value.diagnostics if diagnostic.message == message
    )
    assert re.match(r"there (is|are) ", str(wrong.help))


def test_a_chain_of_aliases_thousands_deep_is_refused() -> None:
    links = [f"b{i}: &b{i} {'[' * 25}*b{i - 1}{']' * 25}\n" for i in range(1, 120)]

    with pytest.raises(SpecError):
        loads(BEGINNING + "b0: &b0 []\n" + "".join(links) + "layers: *b119\n")


# Every field of the language, so that an error can be anywhere.
WHOLE: Any = yaml.safe_load("""
netspec: 1
name: whole
description: Everything at once.
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 4, kernel_size: [3, 3], strides: 1, padding: same, dilation_rate: [2, 1],
             groups: 1, activation: relu, use_bias: true, name: first,
             kernel_initializer: {random_normal: {mean: 0.0, stddev: 0.1}}, bias_initializer: ones}
  - BatchNormalization: {axis: -1, momentum: 0.9, epsilon: 0.01, center: true, scale: false}
  - Activation: {activation: elu}
  - MaxPooling2D: {pool_size: [2, 2], strides: null, padding: valid}
  - Dropout: {rate: 0.5, noise_shape: [1, null, 4]}
  - GlobalAveragePooling2D: {keepdims: true}
  - Flatten
  - Dense: {units: 10, activation: softmax}
data: {dataset: npz, path: a.npz, scale: 2, class_names: [a, b, c, d, e, f, g, h, i, j],
       target: labels}
train:
  loss: {sparse_categorical_crossentropy: {from_logits: false, label_smoothing: 0.1}}
  loss_weights: {dense: 2}
  class_weights: {a: 2, b: 0.5}
  early_stopping: {monitor: val_accuracy, min_delta: 0.1, patience: 2, mode: max, baseline: 0.5,
                   start_from_epoch: 1, restore_best_weights: true}
  optimizer: {sgd: {learning_rate: {cosine_decay: {initial_learning_rate: 0.1, decay_steps: null,
                                                   alpha: 0.1, warmup_target: 1, warmup_steps: 2,
                                                   unit: epochs}},
                    momentum: 0.9, nesterov: true, weight_decay: 0.1, clipnorm: 1, use_ema: true,
                    ema_momentum: 0.9, ema_overwrite_frequency: 3}}
  gradient_accumulation_steps: 2
  metrics: {dense: [accuracy, top_k_categorical_accuracy: {k: 2}, auc: {curve: PR}]}
  epochs: 1
  batch_size: 2
  validation_split: 0.5
  seed: 1
""")


@given(changes(WHOLE))
@settings(deadline=None, max_examples=300)
def test_any_data_is_a_network_or_refused(changes: list[Change]) -> None:
    try:
        network = build(changed(WHOLE, changes), Path())
    except SpecError as error:
        assert str(error).startswith("error[")
    else:
        assert isinstance(network, Network)


def test_the_whole_language_is_valid() -> None:
    assert build(located(WHOLE), Path()).graph.output.shape == (10,)

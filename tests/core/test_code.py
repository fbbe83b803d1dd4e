"""Python source as the backends write it: its lines, its variables, and its descriptions."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import Any

import pytest

from netspec.backend.emit import code
from netspec.backend.emit.code import WIDTH, Code, arguments, literal, square
from netspec.backend.emit.document import Document, render
from netspec.backend.emit.model import axes_table, describe_model, weights_check
from netspec.backend.emit.module import class_, function, lines_of, module
from netspec.backend.emit.names import variables
from netspec.backend.emit.schedules import write_steps
from netspec.graph import Graph
from netspec.language.training.schedules import CosineDecay, Schedule
from netspec.network import loads

LONG = 40 * "x"


def call(head: str, *rest: Any) -> str:
    """A call. Its head begins with its indentation."""
    indent = len(head) - len(head.lstrip())
    return head[:indent] + render(code.call(head.lstrip(), *rest), WIDTH, indent, indent)


def statement(head: str, expression: str, comment: str) -> str:
    """A statement. Its head begins with its indentation."""
    indent = len(head) - len(head.lstrip())
    document = code.statement(head.lstrip(), expression, comment)
    return head[:indent] + render(document, WIDTH, indent, indent)


@pytest.mark.parametrize(
    "text",
    [
        '"a, b"',
        '"a) b"',
        '"(a, b"',
        '"[a, b"',
        '"a, b", "c, d"',
        "f(1, 2)",
        "[1, 2]",
        "((1, 2), 3)",
    ],
)
def test_a_long_call_is_broken_between_arguments(text: str) -> None:
    source = call("make", [f"layer({LONG}, {text}, {LONG}, {LONG})"])

    texts = text.split(', "')
    parts = [texts[0], *(f'"{part}' for part in texts[1:])] if text.count('"') > 2 else [text]
    inside = [f"        {part}," for part in (LONG, *parts, LONG, LONG)]
    assert source == "\n".join(["make(", "    layer(", *inside, "    ),", ")"])


@pytest.mark.parametrize("item", ['"a, b"', "(1, 2)", "f(1, 2)"])
def test_a_long_list_is_broken_between_items(item: str) -> None:
    items = WIDTH // len(item) * [item]

    source = call("make", [f"[{', '.join(items)}]"])

    assert source == "\n".join(
        ["make(", "    [", *[f"        {item},"] * len(items), "    ],", ")"]
    )


# A formatter changes nothing, whatever the length of a name is. LAST is a name of that length. Names of
# layers have at most 64 letters.

LENGTHS = (1, *range(20, 65))
ARITHMETIC = " + ".join(["first * second"] * 4)
EXPRESSIONS = [
    "LAST",
    "LAST.mean(dim=(1, 2))",
    "self.layer(LAST)",
    "self.LAST(LAST, other, dim=(1, 2))",
    "functional.pad(self.layer(LAST), (0, 1), value=0.123456789)",
    "(first + second * LAST).reshape(-1, 4)",
    "first + LAST",
    f"{ARITHMETIC} - LAST",
    "torch.cat([first, second, LAST], dim=-1)",
    "inputs[:, LAST]",
    "inputs[LAST].reshape(-1, 4)",
    "self.layer(LAST).values",
    "first * self.LAST(LAST)",
    "(LAST,)",
    # Activations of two operands, and nested functions.
    "(LAST + torch.sqrt(LAST.square() + 4)) / 2",
    "LAST.clamp(min=0) + torch.expm1(LAST.clamp(max=0))",
    "torch.where(LAST < 1, (LAST.clamp(min=-1) + 1).square() / 4, LAST)",
    "functional.relu(LAST) - 0.123 * functional.relu(0.5 - LAST)",
]


@pytest.mark.parametrize("name", ["x", 40 * "x", 64 * "x"], ids=len)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_formatter_changes_no_statement(expression: str, name: str) -> None:
    lines = [
        statement(f"        {name} = ", expression.replace("LAST", size * "n"), "(8, 8, 4)")
        for size in LENGTHS
    ]
    source = "\n".join(["class Model:", "    def forward():", *lines, ""])

    assert format_source(source) == source


@pytest.mark.parametrize("name", ["x", 64 * "x"], ids=len)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_broken_statement_has_the_same_value(expression: str, name: str) -> None:
    line = f"{name} = {expression.replace('LAST', 64 * 'n')}"

    broken = statement(f"{name} = ", line.removeprefix(f"{name} = "), "(8, 8, 4)")

    assert ast.dump(ast.parse(broken)) == ast.dump(ast.parse(line))


def test_brackets_after_the_last_column_are_broken() -> None:
    name = WIDTH * "n"

    assert statement("x = ", f"{name}(1, 2)", "(4)") == f"x = {name}(\n    1, 2\n)  # (4)"


def test_brackets_may_be_nested_deeper_than_python_recurses() -> None:
    expression = 1_500 * "(" + "x" + 1_500 * ")"

    assert statement("y = ", expression, "(4)").count("(") == 1_501


@pytest.mark.parametrize("argument", ["LAST", "dict(LAST=1, size=(2, 3))", "sizes=[1, LAST]"])
@pytest.mark.parametrize("comment", ["", "(8, 8, 4)"])
def test_a_formatter_changes_no_call(argument: str, comment: str) -> None:
    lines = [
        call("    self.layer", [argument.replace("LAST", size * "n"), 'name="b"'], ",", comment)
        for size in LENGTHS
    ]
    source = "\n".join(["LAYERS = [", *lines, "    last,", "]", ""])

    assert format_source(source) == source


def format_source(source: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--isolated", f"--line-length={WIDTH}", "-"]
    process = subprocess.run(command, input=source, capture_output=True, text=True, check=True)
    return process.stdout


def test_values_are_written_as_python() -> None:
    values = ["same", 1e-3, True, None, (2,), (2, "a"), Code("nn.ReLU()")]

    assert literal(tuple(values)) == '("same", 0.001, True, None, (2,), (2, "a"), nn.ReLU())'
    assert arguments(["a"], {"size": (1, 2)}) == ['"a"', "size=(1, 2)"]


@pytest.mark.parametrize(
    ("sizes", "expected"), [((3, 3), 3), ((3,), 3), ((3, 4), (3, 4)), ((0, 0, 1), (0, 0, 1))]
)
def test_equal_sizes_are_one_number(sizes: tuple[int, ...], expected: Any) -> None:
    assert square(sizes) == expected


def test_parts_of_a_module_have_empty_lines_between() -> None:
    expected = '"""About it."""\n\n\na = 1\n\n\nb = 2\n'

    assert module(["About it."], [], ["a = 1", "", "b = 2"]) == expected


def test_used_imports_are_in_the_order_of_isort() -> None:
    imports = [
        "from torch import nn",
        "from torch import Tensor",
        "import torch.nn.functional as F",
        "import torch",
        "import math",
        "import unused",
        "from torch import unused_too",
    ]
    body = "def f(x: Tensor) -> nn.Module:\n    return torch.relu(F.unused(math.pi))"

    assert module(["About it."], imports, [lines_of(body)]) == (
        '"""About it."""\n\nimport math\n\nimport torch\nimport torch.nn.functional as F\n'
        f"from torch import Tensor, nn\n\n\n{body}\n"
    )


def test_texts_and_local_variables_use_no_import() -> None:
    body = 'def f(math):\n    """Not math."""\n    return math.pi, "math", math.math'

    assert "import" not in module(["About it."], ["import math"], [lines_of(body)])


def test_a_class_is_written_with_its_methods() -> None:
    methods = [
        function("first", ["self"], "int", ["return 1"], doc=["The first.", "With more."]),
        function("second", ["self"], "", ["return 2"], decorator="@cached"),
    ]

    assert render(class_("Numbers", "Base", "Some numbers.", methods), WIDTH) == (
        'class Numbers(Base):\n    """Some numbers."""\n\n    def first(self) -> int:\n'
        '        """The first.\n\n        With more.\n        """\n        return 1\n\n'
        "    @cached\n    def second(self):\n        return 2"
    )


# Which variable contains which tensor. A wrong variable would be another network.

DENSE = "Dense: {units: 2, name: NAME}"
CHAIN = "a: input, b: a, c: b"


def graph(reads: str, inputs: str = "[2]", outputs: str | None = None) -> Graph:
    """A graph of layers that add their inputs. `reads` is written as `name: first second`."""
    layers: list[str] = []
    for line in reads.split(", "):
        name, _, read = line.partition(": ")
        tag = "Add" if " " in read else "Activation"
        more = ", activation: relu" if tag == "Activation" else ""
        names = ", ".join(read.split())
        layers.append(f"  - {tag}: {{name: {name}, inputs: [{names}]{more}}}")
    output = f"output: [{outputs}]\n" if outputs else ""
    text = "\n".join(["netspec: 1\nname: example", f"input: {inputs}", "layers:", *layers])
    return loads(f"{text}\n{output}").graph


@pytest.mark.parametrize(
    ("tested", "expected"),
    [
        (graph(CHAIN), {"input": "x", "a": "x", "b": "x", "c": "x"}),
        # `a` is read again after `b`, and the input after `a`.
        (graph("a: input, b: a, c: a b"), {"input": "x", "a": "a", "b": "x", "c": "x"}),
        (graph("a: input, b: a, c: input b"), {"input": "inputs", "a": "x", "b": "x", "c": "x"}),
        (graph("a: input, b: input, c: a b"), {"input": "inputs", "a": "a", "b": "x", "c": "x"}),
        # An output that is not the last, one that the next reads, and two at the end.
        (graph(CHAIN, outputs="b, c"), {"input": "x", "a": "x", "b": "b", "c": "x"}),
        (
            graph("a: input, b: a, c: a", outputs="b, c"),
            {"input": "x", "a": "a", "b": "b", "c": "x"},
        ),
        # Names that are not free: variables, words of Python, and reserved names.
        (
            graph("inputs: input, b: inputs, x: inputs b, c: inputs x"),
            {"input": "x", "inputs": "inputs_", "b": "x", "x": "x", "c": "x"},
        ),
        (
            graph("class: input, nn: class, c: class nn, d: class nn c"),
            {"input": "x", "class": "class_", "nn": "nn_", "c": "x", "d": "x"},
        ),
        (
            graph("a: left, b: right, c: a b", "{left: [2], right: [2]}"),
            {"left": "left", "right": "right", "a": "a", "b": "x", "c": "x"},
        ),
        (
            graph("a: nn, b: x, c: a b", "{nn: [2], x: [2]}"),
            {"nn": "nn_", "x": "x_", "a": "a", "b": "x", "c": "x"},
        ),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else "",
)
def test_a_tensor_is_kept_until_its_last_reader(tested: Graph, expected: dict[str, str]) -> None:
    assert variables(tested, "x", {"nn"}) == expected


def test_inputs_and_outputs_are_shapes_or_their_number() -> None:
    few = graph("a: left, b: right, c: a b", "{left: [2], right: [2]}", "a, c")
    names = [f"input_{index}" for index in range(20)]
    many = graph(f"a: {' '.join(names)}", f"{{{', '.join(f'{name}: [2]' for name in names)}}}")

    assert describe_model(few, ", divided,", "logits") == (
        "Inputs (2), (2), divided, to logits (2), (2)."
    )
    assert describe_model(many, ", divided,", "logits") == "20 inputs, divided, to 1 outputs."


@pytest.mark.parametrize(
    ("count", "schedule", "expected"),
    [
        (None, CosineDecay(initial_learning_rate=1), "7 * steps_per_epoch"),
        (3, CosineDecay(initial_learning_rate=1), "3"),
        (1, CosineDecay(initial_learning_rate=1), "1"),
        (3, CosineDecay(initial_learning_rate=1, unit="epochs"), "3 * steps_per_epoch"),
        (1, CosineDecay(initial_learning_rate=1, unit="epochs"), "steps_per_epoch"),
        (0, CosineDecay(initial_learning_rate=1, unit="epochs"), "0"),
    ],
)
def test_lengths_in_epochs_are_converted_to_steps(
    count: int | None, schedule: Schedule, expected: str
) -> None:
    assert write_steps(count, schedule, 7) == expected


def test_a_module_knows_the_axes_of_its_weights() -> None:
    network = loads(
        "netspec: 1\nname: a\ninput: [8, 8, 3]\n"
        "layers: [Conv2D: {filters: 4, kernel_size: [3, 2], name: c}, Flatten, Dropout: {rate: 0.5}]"
    )
    source = render_text(axes_table(network.graph), weights_check())
    module: dict[str, Any] = {}

    exec(source, {"Any": Any}, module)

    assert module["AXES"] == {
        "c.kernel": {"height": 3, "width": 2, "input": 3, "output": 4},
        "c.bias": {"output": 4},
    }
    assert callable(module["find_mismatch"])
    assert "pyright" not in source


def test_a_module_without_weights_has_no_axes() -> None:
    assert render_text(axes_table(graph(CHAIN))).endswith("AXES = {}")


def render_text(*documents: Document) -> str:
    return "\n".join(render(document, WIDTH) for document in documents)

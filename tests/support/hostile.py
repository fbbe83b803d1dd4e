"""Specs that are written to do harm: by their size, by their expansion, by their names.

Each has the text of the file, and the code of the error, or None if it is a valid spec.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Specs: TypeAlias = dict[str, tuple[str | None, Callable[[], str]]]

BEGINNING = "netspec: 1\nname: hostile\ninput: [8, 8, 1]\n"
END = "  - Flatten\n  - Dense: {units: 10, activation: softmax}\n"
LAYERS = "layers:\n" + END

HUGE = 10**18
CODE = "__import__('os').system('touch canary')"


def after(*lines: str, layers: str = LAYERS) -> str:
    """A valid spec with lines before its layers."""
    return BEGINNING + "".join(f"{line}\n" for line in lines) + layers


def layer(*lines: str, shape: str = "[8, 8, 1]") -> str:
    """A spec of these layers and a valid last layer."""
    beginning = BEGINNING.replace("[8, 8, 1]", shape)
    return beginning + "layers:\n" + "".join(f"  - {line}\n" for line in lines) + END


def bomb(levels: int, width: int, form: str = "[{}]") -> str:
    """Aliases of aliases: width^levels values in a few lines."""
    lines = ["a0: &a0 [0, 0]"]
    for level in range(1, levels):
        inner = ", ".join([f"*a{level - 1}"] * width)
        lines.append(f"a{level}: &a{level} {form.format(inner)}")
    return after(*lines)


def mappings(levels: int, width: int) -> str:
    """Aliases of aliases in mappings."""
    lines = ["a0: &a0 {x: 0}"]
    for level in range(1, levels):
        inner = ", ".join(f"k{index}: *a{level - 1}" for index in range(width))
        lines.append(f"a{level}: &a{level} {{{inner}}}")
    return after(*lines)


def named(name: str) -> str:
    """A spec of a layer with a name, in YAML's quotes."""
    return layer(f"Conv2D: {{filters: 2, kernel_size: 3, name: {quote(name)}}}")


def quote(text: str) -> str:
    """A text in double quotes, with everything beyond ASCII escaped."""
    return '"' + "".join(_escape(char) for char in text) + '"'


def _escape(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if 32 <= ord(char) < 127 else f"\\U{ord(char):08x}"


def blocks(count: int, width: int, last: str = "Flatten") -> str:
    """Blocks that each call the next one several times."""
    lines = ["blocks:"]
    for index in range(count):
        inner = f"b{index + 1}" if index + 1 < count else last
        lines.append(f"  b{index}: {{layers: [{', '.join([inner] * width)}]}}")
    return after(*lines, layers="layers:\n  - b0\n" + END)


def variables(count: int, form: str) -> str:
    """Variables, each of which refers to the variable before it."""
    lines = ["variables:", "  v0: 2"]
    lines += [f"  v{index}: {form.format(f'v{index - 1}')}" for index in range(1, count)]
    return after(*lines)


def expression(text: str) -> str:
    """A variable of this value, in quotes."""
    return after("variables:", f"  v: {quote(text)}")


def repeat_line(line: str, count: int) -> str:
    """A line that is repeated with other numbers."""
    return "".join(line.format(number) for number in range(count))


ALIASES: Specs = {
    "aliases_nine_levels_of_nine": ("size", lambda: bomb(9, 9)),
    "aliases_sixty_levels_of_two": ("size", lambda: bomb(60, 2)),
    "aliases_of_mappings": ("size", lambda: mappings(12, 10)),
    "aliases_as_layers": (
        "size",
        lambda: after(
            "a: &a [Flatten, Flatten, Flatten, Flatten]", layers=f"layers: [{'*a, ' * 50_000}]\n"
        ),
    ),
    "aliases_that_repeat_a_long_text": (
        "unknown-field",
        lambda: after(f"description: &a {'x' * 100_000}", f"names: [{'*a, ' * 100_000}]"),
    ),
    "aliases_in_keys": ("key", lambda: after("a: &a x", "*a : 1")),
    "anchors_by_the_hundred_thousand": (
        "size",
        lambda: after(repeat_line("a{0}: &a{0} 0\n", 100_000)),
    ),
    "merge_key": ("unknown-field", lambda: after("a: &a {filters: 2}", "<<: *a")),
    "merge_key_in_a_layer": (
        None,
        lambda: layer("Conv2D: {<<: {filters: 2}, kernel_size: 3}"),
    ),
}

SHAPES: Specs = {
    "nesting_of_lists": ("depth", lambda: after("description: " + "[" * 50_000 + "]" * 50_000)),
    "nesting_of_mappings": (
        "depth",
        lambda: after("description: " + "{a: " * 50_000 + "}" * 50_000),
    ),
    "nesting_of_dashes": ("depth", lambda: BEGINNING + "layers:\n  " + "- " * 50_000 + "Flatten\n"),
    "nesting_by_indentation": (
        "depth",
        lambda: after("description:", *(" " * depth + "a:" for depth in range(1, 1_000))),
    ),
    "list_of_two_megabytes": ("size", lambda: after(f"description: [{'0,' * 1_000_000}]")),
    "mapping_of_two_megabytes": (
        "size",
        lambda: after(f"description: {{{repeat_line('k{0}: 0, ', 160_000)}}}"),
    ),
    "text_of_two_megabytes": (None, lambda: after("description: " + "x" * 2_000_000)),
    "quoted_text_of_two_megabytes": (
        None,
        lambda: after('description: "' + "\\n" * 1_000_000 + '"'),
    ),
    "open_quote_of_two_megabytes": ("yaml", lambda: after('description: "' + "x\n" * 900_000)),
    "key_of_two_megabytes": ("yaml", lambda: after("x" * 2_000_000 + ": 1")),
    "lines_by_the_million": (None, lambda: after("\n" * 2_000_000)),
    "comment_of_two_megabytes": (None, lambda: after("# " + "x" * 2_000_000)),
    "digits_by_the_million": ("number", lambda: after("description: " + "9" * 1_000_000)),
    "digits_of_a_fraction_by_the_million": (
        "number",
        lambda: after("description: 0." + "9" * 1_000_000),
    ),
    "fields_by_the_hundred_thousand": (
        "size",
        lambda: after(repeat_line("field_{0}: 1\n", 100_000)),
    ),
    "fields_of_a_layer_by_the_hundred_thousand": (
        "size",
        lambda: layer(
            f"Conv2D: {{filters: 2, kernel_size: 3, {repeat_line('f{0}: 1, ', 100_000)}}}"
        ),
    ),
    "layers_that_are_unknown_by_the_thousand": (
        "unknown-name",
        lambda: layer(*(f"Conv{index}D: {{filters: 2}}" for index in range(4_000))),
    ),
    "fields_that_are_wrong_by_the_thousand": (
        "type",
        lambda: layer(*["Conv2D: {filters: many, kernel_size: large, strides: long}"] * 15_000),
    ),
    "layers_that_do_not_fit_by_the_thousand": (
        "shape",
        lambda: layer(*["Conv2D: {filters: 2, kernel_size: 9, inputs: input}"] * 4_000),
    ),
    "inputs_that_are_unknown_by_the_thousand": (
        "inputs",
        lambda: layer(
            *(
                f"Dense: {{units: 2, name: layer_{index}, inputs: leyer_{index}x}}"
                for index in range(4_000)
            )
        ),
    ),
    "inputs_from_behind_by_the_thousand": (
        "inputs",
        lambda: layer(
            *(
                f"Dense: {{units: 2, name: a{index}, inputs: a{index + 1}}}"
                for index in range(4_000)
            )
        ),
    ),
    "outputs_that_are_unknown_by_the_ten_thousand": (
        "output",
        lambda: after(f"output: [{repeat_line('layer_{0}, ', 30_000)}]"),
    ),
    "outputs_that_are_written_again_and_again": (
        "output",
        lambda: after(f"output: [{'dense, ' * 30_000}]"),
    ),
    "layers_that_nothing_reads_by_the_thousand": (
        "unused",
        lambda: layer(*["Dense: {units: 2, inputs: input}"] * 4_000),
    ),
    "names_that_are_equal_by_the_thousand": (
        "duplicate-name",
        lambda: layer(*["Dense: {units: 2, name: same}"] * 4_000),
    ),
    "names_in_the_way_of_automatic_ones": (
        None,
        lambda: layer(
            *(f"Flatten: {{name: dense_{index}}}" for index in range(3_000)),
            *["Dense: {units: 2}"] * 3_000,
        ),
    ),
    "keys_that_are_equal_by_the_hundred_thousand": (
        "duplicate-key",
        lambda: after("same: 1\n" * 100_000),
    ),
    "class_names_by_the_ten_thousand": (
        "data",
        lambda: after(f"data: {{dataset: mnist, class_names: [{'a, ' * 30_000}]}}"),
    ),
    "inputs_of_the_network_by_the_thousand": (
        "value",
        lambda: BEGINNING.replace("[8, 8, 1]", f"{{{repeat_line('i{0}: [1], ', 5_000)}}}") + LAYERS,
    ),
    "inputs_of_a_layer_by_the_ten_thousand": (
        "shape",
        lambda: layer(f"Flatten: {{inputs: [{'input, ' * 30_000}]}}"),
    ),
    "boundaries_by_the_ten_thousand": (
        "value",
        lambda: after(
            "train:",
            "  loss: sparse_categorical_crossentropy",
            "  optimizer:",
            "    sgd:",
            f"      learning_rate: {{piecewise_constant_decay: {{boundaries: [{'1, ' * 30_000}], "
            f"values: [{'1, ' * 30_000}]}}}}",
        ),
    ),
}

SIZES: Specs = {
    "dimension_of_10_to_the_18": ("value", lambda: layer("Flatten", shape=f"[{HUGE}]")),
    "dimensions_whose_product_overflows": (
        "shape",
        lambda: layer("Flatten", shape="[1000000, 1000000, 1000000]"),
    ),
    "dimension_of_40_digits": ("value", lambda: layer("Flatten", shape=f"[{10**39}]")),
    "dimension_below_zero": ("value", lambda: layer("Flatten", shape="[-1, 8, 1]")),
    "filters_of_10_to_the_18": (
        "value",
        lambda: layer(f"Conv2D: {{filters: {HUGE}, kernel_size: 3}}"),
    ),
    "kernel_of_10_to_the_18": (
        "value",
        lambda: layer(f"Conv2D: {{filters: 2, kernel_size: {HUGE}, padding: same}}"),
    ),
    "kernel_of_a_million": (
        "shape",
        lambda: layer("Conv2D: {filters: 2, kernel_size: 1000000, padding: same}"),
    ),
    "strides_of_10_to_the_18": ("value", lambda: layer(f"MaxPooling2D: {{strides: {HUGE}}}")),
    "dilation_of_10_to_the_18": (
        "value",
        lambda: layer(
            f"Conv2D: {{filters: 2, kernel_size: 3, dilation_rate: {HUGE}, padding: same}}"
        ),
    ),
    "dilation_of_a_million": (
        None,
        lambda: layer(
            "Conv2D: {filters: 2, kernel_size: 3, dilation_rate: 1000000, padding: same}"
        ),
    ),
    "pool_of_10_to_the_18": (
        "value",
        lambda: layer(f"AveragePooling2D: {{pool_size: {HUGE}, padding: same}}"),
    ),
    "units_of_10_to_the_18": ("value", lambda: layer(f"Dense: {{units: {HUGE}}}")),
    "weights_beyond_64_bits": ("shape", lambda: layer(*["Dense: {units: 1000000}"] * 30)),
    "weights_beyond_the_limit_in_many_layers": (
        "shape",
        lambda: layer("Flatten", *["Dense: {units: 60000}"] * 4_000),
    ),
    "epochs_of_10_to_the_18": (
        "value",
        lambda: after("train:", "  loss: sparse_categorical_crossentropy", f"  epochs: {HUGE}"),
    ),
    "axis_of_10_to_the_18": ("shape", lambda: layer(f"BatchNormalization: {{axis: {HUGE}}}")),
    "axis_of_minus_10_to_the_18": (
        "shape",
        lambda: layer(f"BatchNormalization: {{axis: -{HUGE}}}"),
    ),
    "number_beyond_the_largest_float": ("value", lambda: layer("Dropout: {rate: 1e999}")),
    "number_below_the_smallest_float": (
        "value",
        lambda: layer("BatchNormalization: {epsilon: 1e-999}"),
    ),
    "infinity": ("value", lambda: layer("BatchNormalization: {epsilon: .inf}")),
    "not_a_number": ("value", lambda: layer("BatchNormalization: {epsilon: .nan}")),
    "minus_zero": (None, lambda: layer("Dropout: {rate: -0.0}")),
    "minus_zero_units": ("value", lambda: layer("Dense: {units: -0}")),
    "seed_beyond_64_bits": (
        "value",
        lambda: after("train:", "  loss: sparse_categorical_crossentropy", f"  seed: {2**64}"),
    ),
}

EXPANSIONS: Specs = {
    "repeat_of_10_to_the_9": ("limit", lambda: layer("Flatten: {repeat: 1000000000}")),
    "repeat_of_10_to_the_18": ("limit", lambda: layer(f"Flatten: {{repeat: {HUGE}}}")),
    "repeat_below_zero": ("value", lambda: layer("Flatten: {repeat: -1}")),
    "repeats_within_repeats": (
        "limit",
        lambda: after(
            "blocks:",
            "  a: {layers: [Flatten: {repeat: 1000}]}",
            "  b: {layers: [a: {repeat: 1000}]}",
            "  c: {layers: [b: {repeat: 1000}]}",
            layers="layers:\n  - c: {repeat: 1000}\n" + END,
        ),
    ),
    "repeats_of_nothing": (
        "limit",
        lambda: after(
            "blocks:",
            "  a: {layers: [Flatten: {repeat: 0}]}",
            "  b: {layers: [a: {repeat: 19000}]}",
            "  c: {layers: [b: {repeat: 19000}]}",
            layers="layers:\n  - c: {repeat: 19000}\n" + END,
        ),
    ),
    "repeats_of_a_large_list": (
        "limit",
        lambda: after(
            "variables:",
            f"  shape: [{'1, ' * 50_000}1]",
            layers="layers:\n  - Dropout: {rate: 0.5, noise_shape: $shape, repeat: 10000}\n" + END,
        ),
    ),
    "repeats_of_a_fault": (
        "shape",
        lambda: layer("Conv2D: {filters: 2, kernel_size: 99, repeat: 4000}"),
    ),
    "repeats_of_an_unknown_field": (
        "unknown-field",
        lambda: layer("Dense: {units: 2, unit: $index, repeat: 4000}"),
    ),
    "repeats_of_a_text": (
        "value",
        lambda: layer('Dense: {units: 2, name: "a$(index)$(index)", repeat: 4000}'),
    ),
    "blocks_that_double": ("limit", lambda: blocks(30, 2)),
    "blocks_that_double_sixty_times": ("limit", lambda: blocks(60, 2)),
    "blocks_a_thousand_deep": ("limit", lambda: blocks(1_000, 1)),
    "blocks_that_call_themselves": (
        "block",
        lambda: after("blocks:", "  a: {layers: [a]}", layers="layers:\n  - a\n" + END),
    ),
    "blocks_that_call_each_other": ("limit", lambda: blocks(200, 1, last="b0")),
    "blocks_that_nothing_calls": (
        None,
        lambda: after("blocks:", *(f"  b{index}: {{layers: [Flatten]}}" for index in range(4_000))),
    ),
    "blocks_with_thousands_of_parameters": (
        "limit",
        lambda: after(
            "blocks:",
            f"  b: {{parameters: {{{repeat_line('p{0}: 1, ', 4_000)}}}, layers: [Flatten]}}",
            layers="layers:\n  - b: {repeat: 1000}\n" + END,
        ),
    ),
    "variables_that_double_a_number": ("expression", lambda: variables(500, '"$(2 * {0} * {0})"')),
    "variables_that_double_a_text": ("limit", lambda: variables(60, '"${0}${0}${0}${0}"')),
    "variables_that_double_a_list": ("type", lambda: variables(60, "[${0}, ${0}, ${0}]")),
    "variables_by_the_thousand": (None, lambda: variables(5_000, '"$({0} + 1)"')),
    "variables_that_are_unknown": (
        "unknown-name",
        lambda: after("variables:", *(f"  v{index}: $w{index}" for index in range(5_000))),
    ),
    "variable_of_itself": ("unknown-name", lambda: after("variables:", "  v: $v")),
    "power_of_powers": ("expression", lambda: expression("$(9**9**9)")),
    "power_by_a_product": (
        "expression",
        lambda: expression("$(" + "*".join(["9999999999"] * 20) + ")"),
    ),
    "sum_of_a_million": ("limit", lambda: expression("$(" + "+".join(["1"] * 1_000_000) + ")")),
    "parentheses_a_hundred_thousand_deep": (
        "limit",
        lambda: expression("$(" + "(" * 100_000 + ")" * 100_000 + ")"),
    ),
    "parentheses_a_hundred_deep": (
        "limit",
        lambda: expression("$(" + "(" * 100 + "1" + ")" * 100 + ")"),
    ),
    "minus_a_hundred_thousand_times": ("limit", lambda: expression("$(" + "-" * 100_000 + "1)")),
    "number_of_a_million_digits": ("limit", lambda: expression(f"$({'9' * 1_000_000})")),
    "number_of_200_digits": ("expression", lambda: expression(f"$({'9' * 200})")),
    "number_with_a_huge_exponent": ("expression", lambda: expression("$(1e999)")),
    "infinity_less_infinity": ("expression", lambda: expression("$(1e308 * 10 - 1e308 * 10)")),
    "division_by_zero": ("expression", lambda: expression("$(1 // 0)")),
    "remainder_by_zero": ("expression", lambda: expression("$(1 % 0)")),
    "division_by_zero_point_zero": ("expression", lambda: expression("$(1 // 0.0)")),
    "shift": ("expression", lambda: expression("$(1 << 100000000000)")),
    "call_of_python": ("expression", lambda: expression(f"$({CODE})")),
    "attribute_of_python": ("expression", lambda: expression("$(index.__class__.__mro__)")),
    "format_of_python": ("expression", lambda: expression("${v.__class__}")),
    "references_by_the_hundred_thousand": ("unknown-name", lambda: expression("$v" * 100_000)),
    "dollars_by_the_million": ("expression", lambda: expression("$" * 1_000_001)),
    "min_of_a_hundred_thousand": ("limit", lambda: expression(f"$(min({'1,' * 100_000}1))")),
}

NAMES: Specs = {
    "name_that_is_code": ("value", lambda: named(CODE)),
    "name_of_the_network_that_is_code": (
        "value",
        lambda: BEGINNING.replace("hostile", quote(CODE)) + LAYERS,
    ),
    "name_of_an_input_that_is_code": (
        "value",
        lambda: BEGINNING.replace("[8, 8, 1]", f"{{{quote(CODE)}: [8]}}") + LAYERS,
    ),
    "name_of_a_block_that_is_code": (
        "name",
        lambda: after(
            "blocks:",
            f"  {quote(CODE)}: {{layers: [Flatten]}}",
            layers=f"layers:\n  - {quote(CODE)}\n" + END,
        ),
    ),
    "name_of_a_variable_that_is_code": (
        "name",
        lambda: after("variables:", f"  {quote(CODE)}: 1"),
    ),
    "name_of_a_layer_type_that_is_code": ("unknown-name", lambda: layer(f"{quote(CODE)}: {{}}")),
    "name_of_a_field_that_is_code": (
        "unknown-field",
        lambda: layer(f"Dense: {{units: 2, {quote(CODE)}: 1}}"),
    ),
    "activation_that_is_code": (
        "value",
        lambda: layer(f"Activation: {{activation: {quote(CODE)}}}"),
    ),
    "description_that_ends_a_docstring": (
        None,
        lambda: after(
            f"description: {quote(chr(34) * 3 + chr(10) + CODE + chr(10) + chr(34) * 3)}"
        ),
    ),
    "description_that_ends_in_a_backslash": (
        None,
        lambda: after(f"description: {quote('x' + chr(92))}"),
    ),
    "description_with_terminal_escapes": (
        None,
        lambda: after(f"description: {quote(chr(27) + '[2J')}"),
    ),
    "description_with_a_nul": (None, lambda: after(f"description: {quote(chr(0))}")),
    "class_names_that_are_code": (
        None,
        lambda: after(
            f"data: {{dataset: npz, path: a.npz, class_names: [{quote(CODE)}, {quote(chr(27) + '[2J')}]}}"
        ),
    ),
    "name_with_a_nul": ("value", lambda: named("a\0b")),
    "name_with_a_newline": ("value", lambda: named(f"a\n{CODE}")),
    "name_that_ends_in_a_newline": ("value", lambda: named("a\n")),
    "name_with_quotes": ("value", lambda: named("a'\"b")),
    "name_with_a_format": ("value", lambda: named("{0.__class__}%s%n")),
    "name_that_leaves_the_folder": ("value", lambda: named("../../canary")),
    "name_of_cyrillic_letters": ("value", lambda: named("сonv2d")),
    "name_of_full_width_letters": ("value", lambda: named("ｃｏｎｖ")),
    "name_that_is_written_from_the_right": ("value", lambda: named("\u202etupni")),
    "name_with_a_space_of_no_width": ("value", lambda: named("con\u200bv")),
    "name_with_a_digit_of_another_script": ("value", lambda: named("a١")),
    "name_of_emoji": ("value", lambda: named("😀")),
    "name_with_a_lone_surrogate": ("yaml", lambda: layer('Dense: {units: 2, name: "\\ud800"}')),
    "name_of_64_thousand_letters": ("value", lambda: named("a" * 64_000)),
    "name_with_slashes_by_the_thousand": ("value", lambda: named("/".join(["a"] * 10_000))),
    "name_with_a_dunder": ("value", lambda: named("__class__")),
    "layer_type_in_look_alikes": (
        "unknown-name",
        lambda: layer("Dеnse: {units: 2}"),
    ),
    "layer_type_of_a_module": ("unknown-name", lambda: layer("os.system: {command: touch canary}")),
    "layer_type_lambda": ("unknown-name", lambda: layer(f"Lambda: {{function: {quote(CODE)}}}")),
    "tag_of_python": (
        "tag",
        lambda: after("description: !!python/object/apply:os.system [touch canary]"),
    ),
    "tag_of_a_local_type": ("tag", lambda: after("description: !os.system touch canary")),
    "tag_directive": (
        "tag",
        lambda: "%TAG ! tag:yaml.org,2002:python/\n---\n" + after("x: !name:os.system x"),
    ),
    "directive_of_another_yaml": ("yaml", lambda: "%YAML 9.9\n---\n" + after()),
    "two_documents": ("yaml", lambda: after() + "---\n" + after()),
}

PATHS: Specs = {
    "data_from_a_device": (None, lambda: after("data: {dataset: npz, path: /dev/zero}")),
    "data_with_a_nul": (
        None,
        lambda: after(f"data: {{dataset: npz, path: {quote('a' + chr(0) + '.npz')}}}"),
    ),
    "data_of_an_empty_path": (None, lambda: after('data: {dataset: npz, path: ""}')),
    "data_of_a_long_path": (None, lambda: after(f"data: {{dataset: npz, path: {'a/' * 100_000}}}")),
}

# Words with a meaning in Python, Keras or PyTorch. Each is a valid name of a layer.
WORDS = (
    *("class", "def", "import", "None", "True", "lambda", "self", "print", "exec", "type"),
    *("forward", "training", "parameters", "train", "eval", "children", "register_buffer"),
    *("state_dict", "to", "half", "call", "build", "weights", "keras", "torch", "nn", "x"),
)

VALID: Specs = {f"name_{word}": (None, lambda word=word: named(word)) for word in WORDS}

HOSTILE: Specs = {
    **ALIASES,
    **SHAPES,
    **SIZES,
    **EXPANSIONS,
    **NAMES,
    **PATHS,
    **VALID,
}

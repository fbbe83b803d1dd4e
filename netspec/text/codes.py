"""The codes of errors in a spec, each with the paragraph that `netspec explain` prints."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """The kind of an error in a spec, which a message has in brackets: `error[shape]`."""

    explanation: str

    def __new__(cls, name: str, explanation: str) -> Self:
        """A code with its explanation, whose lines are joined into one paragraph."""
        code = str.__new__(cls, name)
        code._value_ = name
        code.explanation = " ".join(explanation.split())
        return code

    # The text of the file.

    FORMAT = (
        "format",
        """The file is not a spec. It is an archive, an image, a spec of another program, or YAML
        without any field of a spec. A spec is a text with the fields `netspec`, `name`, `input`
        and `layers`. `netspec new NAME` writes one to start from.""",
    )
    EMPTY = (
        "empty",
        """The file contains nothing, or only comments. `netspec new NAME` writes a spec to start
        from.""",
    )
    ENCODING = (
        "encoding",
        """A byte of the file is not valid UTF-8. The place shows the first such byte. Save the
        file as UTF-8; most editors have this in the dialog that saves a file.""",
    )
    CHARACTER = (
        "character",
        """A character looks like another one that has a meaning in YAML: a typographic quotation
        mark, an en dash, a no-break space or a fullwidth colon. Word processors and some
        keyboards insert such characters. Replace it with the ASCII character that the message
        names.""",
    )
    YAML = (
        "yaml",
        """The text is not valid YAML, so nothing after this place can be read. Frequent causes
        are a missing space after a colon, uneven indentation, a tab, an open bracket, and a text
        with a special character that needs quotes.""",
    )
    TAG = (
        "tag",
        """A value has a YAML tag, such as `!!int` or `!!python/object`. A spec contains only
        plain values: texts, numbers, true, false, null, lists and mappings. Tags are refused
        because a tag can name code, and a spec never executes any. Remove the tag.""",
    )
    ALIAS = (
        "alias",
        """An alias such as `*name` repeats a value that has the anchor `&name`. The anchor must
        come before the alias, and a value cannot contain itself. Write the anchor first, or write
        the value out.""",
    )
    MERGE = (
        "merge",
        """The key `<<` merges another mapping into this one. Its value is a mapping, or a list of
        mappings, usually an alias such as `*name`. Another value cannot be merged.""",
    )
    KEY = (
        "key",
        """A key of a mapping must be a plain text, such as `units` in `units: 10`. It is a
        number, a list or a mapping here. Put a number into quotes where it is meant as a name.""",
    )
    DUPLICATE_KEY = (
        "duplicate-key",
        """A mapping contains the same key twice, so that one of the values would be ignored. The
        message shows both places. Keep one of them.""",
    )
    NUMBER = (
        "number",
        """A number has more characters than any number of a spec needs. Write it in exponent
        form, such as `1e-3`.""",
    )
    DEPTH = (
        "depth",
        """Lists and mappings contain each other more deeply than the limit allows. A spec needs
        fewer than ten levels. The limit keeps a small file from exhausting the memory.""",
    )
    SIZE = (
        "size",
        """The spec is larger than a limit allows. There are limits for the bytes of the file, the
        keys of a mapping, and all values together. A value that aliases repeat counts each time.
        Data belong into a data set, and repeated layers into `repeat` or a block.""",
    )

    SET = (
        "set",
        """The path of `--set` leads nowhere: a list has no item of that number, or a value is not
        a mapping. A path has names and numbers with dots between them, such as `--set
        train.epochs=3`. Items of a list count from 0.""",
    )

    # Fields and values.

    UNKNOWN_FIELD = (
        "unknown-field",
        """A field does not exist. The layer, loss, optimizer or section that contains it has no
        field of this name. The help names the nearest field, or where the field belongs. Fields
        have Keras's names; `netspec layers NAME` lists the fields of a layer.""",
    )
    MISSING_FIELD = (
        "missing-field",
        """A field that has no default is not written, such as `units` of a Dense. The help shows
        which field to add, and what it means.""",
    )
    UNKNOWN_NAME = (
        "unknown-name",
        """A name is not in the vocabulary, or is not declared. It is in the place of a layer, a
        loss, another part of the vocabulary, a variable or a block. The help names the nearest
        one, also for names of other frameworks. `netspec layers` lists the layers.""",
    )
    TYPE = (
        "type",
        """A value has the wrong type: a text instead of a number, one value instead of a list, or
        a value instead of a mapping of fields. Values are never converted: `"10"` with quotes is
        a text, and `no` is one too in YAML 1.2. The help shows how to write the value.""",
    )
    VALUE = (
        "value",
        """A value of the right type is not allowed. It is outside its range, is not one of the
        choices, or does not fit another field. The message states the rule.""",
    )
    NAME = (
        "name",
        """A name cannot be used for a variable, a parameter or a block. It contains other
        characters than letters, digits and underscores, or it has a meaning already: a function
        of expressions, `index`, a layer, or a field of every call. Choose another name.""",
    )
    DUPLICATE_NAME = (
        "duplicate-name",
        """Two layers have the same name, or a layer has the name of an input. Names are the keys
        of weights and the targets of `inputs`, so each must be unique. Give one of them another
        name. In a block that is called several times, the name of the call comes first.""",
    )
    LIMIT = (
        "limit",
        """The spec is too large after its expansion. With blocks, repetitions and references
        written out, the number of layers, calls or values exceeds a limit, or the length of a
        text or an expression does. The limits keep a short spec from becoming an endless one.""",
    )

    # Variables and blocks.

    EXPRESSION = (
        "expression",
        """The arithmetic of a `$(…)` cannot be read or has no result. It has numbers, names, the
        operators `+ - * // %`, comparisons, and the functions `min` and `max`. A division by zero
        and a result of the wrong type are errors too.""",
    )
    BLOCK = (
        "block",
        """A block calls itself, directly or through other blocks. The layers of such a block
        would never end. Use `repeat` for several copies of a block.""",
    )

    # The graph.

    INPUTS = (
        "inputs",
        """The `inputs` of a layer cannot be followed: a name does not exist, is written later, or
        leads in a cycle. A layer reads layers that are written before it, or inputs of the
        network. Without `inputs` a layer reads the layer before it; where there is none, or a
        network has several inputs, `inputs` is required.""",
    )
    SHAPE = (
        "shape",
        """A layer cannot take the shape of its input. Shapes are channels last and have no batch
        axis: an image is (height, width, channels), a sequence is (steps, features). Examples are
        an image where a sequence is required, a kernel that is larger than its input, or inputs
        of different shapes for Add. `netspec summary` shows the shapes of the layers before.""",
    )
    INDICES = (
        "indices",
        """An Embedding reads values that are not indices. It looks up whole numbers, such as the
        indices of words. So it must read an input of the network, possibly through layers that
        only move values, and not what another layer computes.""",
    )
    FLATTEN = (
        "flatten",
        """A Dense reads an image. No layer before it flattens the image. A Dense works on the
        last axis only, so it would compute an output for every pixel. Put a Flatten or a
        GlobalAveragePooling2D before it.""",
    )
    OUTPUT = (
        "output",
        """An output does not exist, or it has the wrong shape. `output`, or a mapping with one
        entry for each output, names a layer that does not exist, is not an output, or is named
        twice. The output of a classifier must also be one vector for each example.""",
    )
    UNUSED = (
        "unused",
        """No output depends on a layer or on an input. It would be computed for nothing, and
        usually an `inputs` is missing elsewhere. Read it in a layer, name it in `output`, or
        remove it.""",
    )

    WEIGHTS = (
        "weights",
        """There are no weights to train. The spec has a `train` section, and no layer has weights
        that training changes. Add a layer with weights, such as a Dense, or remove `trainable:
        false` from one.""",
    )
    DEVICE = (
        "device",
        """A layer cannot be computed on the requested device. The framework has no kernel for it
        there. Choose another device, or another backend.""",
    )

    BACKEND = (
        "backend",
        """The requested backend does not have a layer of the spec. Request another backend, such as
        keras or torch, which have every layer, or write the network with other layers.""",
    )

    # Data and training.

    DATA = (
        "data",
        """The data set does not fit the network: the shape of its images, the number of inputs or
        outputs, or what its targets are. The message states both sides.""",
    )
    CLASSES = (
        "classes",
        """The number of classes is not the same everywhere. The units of the last layer, the
        classes of the data set and `class_names` must agree, and the names must differ.""",
    )
    LOSS = (
        "loss",
        """The loss does not fit what the network ends in. A cross-entropy needs probabilities:
        softmax for sparse_categorical_crossentropy and categorical_crossentropy, sigmoid for
        binary_crossentropy, or no activation with `from_logits: true`. The targets of the data
        must have the form that the loss takes.""",
    )

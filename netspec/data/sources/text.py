"""The data set `text`; `netspec.data.texts` reads the files."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from netspec.data.sources.rows import WrittenFiles
from netspec.language.data import FilePath, Portion, Promise
from netspec.language.layers.tagged import fault

if TYPE_CHECKING:
    from netspec.data.table import Request, Table


class TextFiles(WrittenFiles):
    """Texts with a class or a number for each: a table, or a folder of files for every class.

    A text becomes a row of token indices, as in Keras's TextVectorization. The vocabulary is
    learned from the training part.
    """

    dataset: Literal["text"]
    path: Annotated[
        FilePath | None,
        Field(
            description="A CSV, Parquet or Arrow file, or a folder; seen from the spec's folder. "
            "Without it, a Python program passes the texts."
        ),
    ] = None
    column: Annotated[str, Field(description="The column with the texts.")] = "text"
    # A column, where other sources have one of two words.
    target: Annotated[  # pyright: ignore[reportIncompatibleVariableOverride]
        str, Field(description="The column that the network learns to predict.")
    ] = "label"
    part: Annotated[
        str | None,
        Field(description="A column with train, val or test: the part that every text is in."),
    ] = None
    test: Annotated[
        Portion | None,
        Field(
            description="Which texts are the test part, where no folder or column contains it; "
            "without it, a fifth of every class."
        ),
    ] = None
    split: Annotated[
        Literal["whitespace", "character"],
        Field(description="What a token is: a word between white space, or a character."),
    ] = "whitespace"
    max_tokens: Annotated[
        int,
        Field(
            ge=3,
            le=2**24,
            description="The size of the vocabulary: padding, unknown tokens, and the most "
            "frequent ones. The `input_dim` of the Embedding is not smaller.",
        ),
    ] = 20_000

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self.check_writing("remove scale: indices are never scaled")
        if self.column == self.target:
            message = f"the column {self.column} is both the text and the target"
            raise fault("target", message, "name the column with the classes as `target`")
        return self

    @property
    def promise(self) -> Promise:
        # A folder may have a validation part, and so may what a program passes.
        validates = self.part is not None or not PurePath(self.path or "").suffix
        return Promise(names_classes=True, validates=validates, tokens=True)

    @property
    def own_targets(self) -> bool:
        return False

    def open(self, folder: Path, request: Request) -> Table:
        from netspec.data.texts import open_texts

        return open_texts(self, folder, request)

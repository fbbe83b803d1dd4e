"""The data set `series`; `netspec.data.series` cuts the windows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from netspec.data.sources.rows import NAMES, RowFiles
from netspec.language.data import FilePath, Portion, Promise
from netspec.language.layers.tagged import as_tuple, fault
from netspec.language.layers.window import Size

if TYPE_CHECKING:
    from netspec.data.table import Request, Table


def _as_names(value: object) -> object:
    """One name as a list of names."""
    return (value,) if isinstance(value, str) else as_tuple(value)


class Series(RowFiles):
    """Windows over the rows of a table in the order of their time.

    The rows of the history are the input, the values of the target in the rows after it are what
    the network learns to predict.
    """

    dataset: Literal["series"]
    path: Annotated[
        FilePath | None,
        Field(
            description="The file, seen from the spec's folder. Without it, a Python program "
            "passes the rows."
        ),
    ] = None
    time: Annotated[
        str, Field(description="The column with the time of every row, or its number in order.")
    ]
    # Columns, where other sources have one of two words.
    target: Annotated[  # pyright: ignore[reportIncompatibleVariableOverride,reportGeneralTypeIssues]
        tuple[str, ...],
        BeforeValidator(_as_names, json_schema_input_type=str | tuple[str, ...]),
        Field(min_length=1, description="The column, or columns, whose later values are learned."),
        NAMES,
    ]
    group: Annotated[
        tuple[str, ...],
        BeforeValidator(_as_names, json_schema_input_type=str | tuple[str, ...]),
        Field(description="Columns, such as a sensor: all rows of a window have the same values."),
        NAMES,
    ] = ()
    history: Annotated[Size, Field(description="How many rows the network sees.")]
    horizon: Annotated[
        Size, Field(description="In how many rows after the history the target is predicted.")
    ] = 1
    gap: Annotated[
        int, Field(ge=0, lt=2**31, description="Rows between the history and the first prediction.")
    ] = 0
    step: Annotated[
        Size, Field(description="How many rows after a window the next window begins.")
    ] = 1
    bridge: Annotated[
        bool, Field(description="Whether windows may contain a gap in time, such as a weekend.")
    ] = False
    test: Annotated[
        Portion,
        Field(description="Which rows are the test part: the last ones in time, a fraction."),
    ] = Portion(fraction=0.2)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for field in ("target", "group"):
            names = getattr(self, field)
            if repeated := [name for name in names if names.count(name) > 1]:
                message = f"{field} has the column {repeated[0]!r} twice"
                raise fault(field, message, "name every column once")
        for field, names in (("group", self.group), ("target", self.target)):
            if self.time in names:
                message = f"{self.time!r} is the time, and cannot be the {field} too"
                raise fault(field, message, "name another column")
        if both := [name for name in self.target if name in self.group]:
            message = f"{both[0]!r} is the group, and cannot be the target too"
            raise fault("target", message, "name another column")
        if field := self.test.written_randomness:
            help = f"remove {field}: the test part is the last one in time"
            raise fault(("test", field), "a series is never shuffled", help)
        self.check_rows({})
        return self

    @property
    def values(self) -> tuple[int, ...]:
        """The shape of what is predicted: the horizon and the targets, where there are several."""
        sizes = (self.horizon, len(self.target))
        return tuple(size for size in sizes if size > 1) or (1,)

    @property
    def promise(self) -> Promise:
        return Promise(columns=True, steps=self.history, values=self.values, ordered=True)

    @property
    def own_targets(self) -> bool:
        return False

    def open(self, folder: Path, request: Request) -> Table:
        from netspec.data.series import open_series

        return open_series(self, folder, request)

"""Times that are written as text: how they are written is decided from all of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from netspec.data.arrow import parsed_times, pyarrow, time_form, times, without_missing
from netspec.data.coded import Coded
from netspec.text.diagnostics import DataError

_DATE = re.compile(
    r"\s*(\d{4}|\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{1,2})(?:([ T])\d{1,2}:\d{2}(:\d{2})?)?\s*"
)
_FIELDS = r"^\s*(?P<first>\d{1,4})[./-](?P<second>\d{1,2})[./-]\d{1,4}"


def times_of(name: str, texts: Coded, place: Callable[[int], str]) -> NDArray[np.float64]:
    """Seconds (n,) since 1970 in UTC of the texts in the column `name`, NaN where one is missing.

    Times are in ISO 8601, or dates such as 31.1.2026, 31/01/2026 18:30 and 1/31/26. The day is
    before the month where the first number of any date is above 12, and after it where the second
    is. `place` is where a row is, for messages. Raises DataError.
    """
    pa, pc = pyarrow(), pyarrow("compute")
    column = pa.chunked_array([pc.utf8_trim_whitespace(pa.array(texts.texts, pa.string()))])
    known, format = without_missing(column), _format(name, texts.texts)
    parsed = parsed_times(known, format)
    wrong = texts.mapped(np.array(pc.and_(parsed.is_null(), known.is_valid())))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        message = f"{place(row)}: {name} is {texts.text(row)!r}, which is not "
        help = f'correct it, or write `types: {{{name}: {{time: "%d.%m.%Y"}}}}` with the right form'
        raise DataError(message + time_form(format), help)
    return texts.mapped(times(parsed))


def _format(name: str, texts: Sequence[str]) -> str | None:
    """How dates are written, in the letters of strptime; None is ISO 8601. Raises DataError."""
    match = next(filter(None, map(_DATE.fullmatch, texts)), None)
    if match is None or (len(match[1]) == 4 and match[2] == "-"):
        return None
    sign, time = match[2], "%H:%M:%S" if match[6] else "%H:%M"
    time = f"{match[5]}{time}" if match[5] else ""
    if len(match[1]) == 4:
        return sign.join(("%Y", "%m", "%d")) + time
    year = "%Y" if len(match[4]) == 4 else "%y"
    day_first = _has_day_first(texts)
    if day_first is None:
        message = f"{name} has dates such as {match[0].strip()}: nobody knows whether the day or "
        orders = [f'`{{time: "{sign.join((*days, year))}{time}"}}`' for days in _ORDERS]
        help = f"write one of them in data, under `types: {{{name}: …}}`: {' or '.join(orders)}"
        raise DataError(message + "the month is first", help)
    return sign.join((*_ORDERS[0 if day_first else 1], year)) + time


_ORDERS = (("%d", "%m"), ("%m", "%d"))


def _has_day_first(texts: Sequence[str]) -> bool | None:
    """Whether the first number is the day; None where all dates can be read in both ways."""
    pa, pc = pyarrow(), pyarrow("compute")
    fields = pc.extract_regex(pa.array(texts, pa.string()), _FIELDS)
    first, second = (
        pc.max(pc.cast(pc.struct_field(fields, name), pa.int32())).as_py()
        for name in ("first", "second")
    )
    if first > 12:
        return True
    return False if second > 12 else None


def check_numbers(name: str, times: NDArray[np.float64]) -> None:
    """Raise DataError where numbers look like dates without signs, such as 20260131."""
    whole = times[~np.isnan(times)]
    if not whole.size or whole.min() < 1900_01_01 or whole.max() > 2100_12_31:
        return
    days, months = whole % 100, whole // 100 % 100
    if ((days >= 1) & (days <= 31) & (months >= 1) & (months <= 12) & (days % 1 == 0)).all():
        message = f"{name} has numbers such as {whole[0]:.0f}, which look like dates"
        help = f'write `types: {{{name}: {{time: "%Y%m%d"}}}}`, or `types: {{{name}: number}}`'
        raise DataError(message, help)


def written_time(time: float, kind: str) -> str:
    """A time of this kind, `time` or `number`, in a message."""
    if kind != "time":
        return f"{time:.15g}"
    moment = datetime.fromtimestamp(0, UTC) + timedelta(seconds=time)
    text = moment.replace(tzinfo=None).isoformat(" ")
    return text.removesuffix(":00").removesuffix(" 00:00")


def written_times(times: NDArray[np.float64], kind: str) -> list[str]:
    """Times (n,) of a kind, `time` or `number`, as a column: all with days, minutes or seconds."""
    if kind != "time":
        return [f"{time:.15g}" for time in times.tolist()]
    moments = np.rint(times * 1e6).astype("datetime64[us]")
    texts = [str(text).replace("T", " ") for text in moments]
    for end in (" 00:00:00.000000", ":00.000000", ".000000"):
        if all(text.endswith(end) for text in texts):
            return [text.removesuffix(end) for text in texts]
    return texts


def written_distance(distance: float, kind: str) -> str:
    """The distance of two times in a message."""
    if kind != "time":
        return f"{distance:.6g}"
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if distance >= seconds:
            count = distance / seconds
            return f"{count:.4g} {unit}{'' if count == 1 else 's'}"
    return f"{distance:.4g} s"

"""Examples that do not fit a device come to it part by part, one part ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from netspec.data.examples import Examples

PART_BYTES = 16 << 20
"""What the steps between two reports may take of a stream, as long as one step is not more."""

Made = TypeVar("Made")


def streamed(
    examples: Examples, order: NDArray[np.int64], size: int, place: Callable[[Examples], Made]
) -> Iterator[Made]:
    """The examples in this order, `size` at a time, each part put to its place by a function.

    While one part is in use, the next is read and placed in the background.
    """
    starts = range(0, len(order), size)
    return _ahead(
        partial(_placed, examples, order[start : start + size], place) for start in starts
    )


def steps_of_stream(examples: Examples, batch_size: int, most: int) -> int:
    """How many steps are read at once, at most `most`."""
    batch = batch_size * max(1, examples.nbytes // max(1, len(examples)))
    return max(1, min(most, PART_BYTES // batch))


def _placed(
    examples: Examples, chosen: NDArray[np.int64], place: Callable[[Examples], Made]
) -> Made:
    return place(examples[chosen])


def _ahead(works: Iterable[Callable[[], Made]]) -> Iterator[Made]:
    """The results of works, in their order; one is computed while the one before it is in use."""
    before: Future[Made] | None = None
    with ThreadPoolExecutor(1) as background:
        for work in works:
            after = background.submit(work)
            if before is not None:
                yield before.result()
            before = after
        if before is not None:
            yield before.result()

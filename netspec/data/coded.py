"""Texts of which many are equal, as a column of categories holds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Coded:
    """An array (n,) of texts: `texts` are the different ones, `codes` (n,) are indices of them.

    NumPy reads it as an array of texts. A text may have no code.
    """

    texts: tuple[str, ...]
    codes: NDArray[np.int32]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Coded:
        """The texts, each of the different ones once."""
        places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        return cls(tuple(places), np.array([places[text] for text in texts], np.int32))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, part: slice | NDArray[Any]) -> Coded:
        return Coded(self.texts, self.codes[part])

    def __array__(
        self,
        dtype: np.dtype[Any] | None = None,
        copy: bool | None = None,  # noqa: FBT001 - as NumPy calls it
    ) -> NDArray[Any]:
        return np.asarray(np.array([*self.texts, ""], object)[self.codes], dtype)

    def counts(self) -> NDArray[np.int64]:
        """How often each of the texts is there."""
        return np.bincount(self.codes, minlength=len(self.texts))

    def present(self) -> list[str]:
        """The texts that are there, in their order."""
        return [text for text, count in zip(self.texts, self.counts(), strict=True) if count]

    def text(self, row: int) -> str:
        """The text of a row."""
        return self.texts[int(self.codes[row])]

    def where(self, test: Callable[[str], bool]) -> NDArray[np.bool_]:
        """Whether a test is true of each text of the array; it is called once for equal ones."""
        return self.mapped(np.array([test(text) for text in self.texts], bool))

    def mapped(self, values: NDArray[Any]) -> NDArray[Any]:
        """For every text of the array, the value (texts, …) of the text."""
        return values[self.codes]

"""Keeps away what comes with TensorFlow and Keras at import, and nobody asked for."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back what is written to the process's stderr; show it if an exception comes.

    TensorFlow 2.21 writes from C++ before any of its log levels apply, so the file descriptor
    itself is turned away for that time.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        kept = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def without(packages: Sequence[str]) -> Iterator[None]:
    """Import as if packages were not installed, those that are loaded already left alone.

    TensorFlow 2.21 and Keras 3.15 load whatever they find of JAX, scikit-learn and Matplotlib, for
    converters, wrappers and pictures: 200 MB and two seconds where all are installed.
    """
    hidden = [name for name in packages if name not in sys.modules]
    modules: dict[str, object] = sys.modules  # pyright: ignore[reportAssignmentType]  # see below
    modules.update(dict.fromkeys(hidden))  # None in the place of a module: there is none
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]

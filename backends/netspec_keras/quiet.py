"""Imports TensorFlow and Keras without messages, and without packages that are not needed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep what is written to the process's stderr, and show it only after an exception.

    TensorFlow 2.21 writes from C++ before any of its log levels apply. So the file descriptor is
    redirected for that time.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        stderr = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        except BaseException:
            file.seek(0)
            os.write(stderr, file.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


@contextmanager
def without(packages: Sequence[str]) -> Iterator[None]:
    """Import as if packages were not installed, except packages that are loaded already.

    TensorFlow 2.21 and Keras 3.15 load JAX, scikit-learn and Matplotlib where these are installed,
    for converters, wrappers and plots. All three take 200 MB and two seconds.
    """
    hidden = [name for name in packages if name not in sys.modules]
    modules: dict[str, object] = sys.modules  # pyright: ignore[reportAssignmentType]  # see below
    modules.update(dict.fromkeys(hidden))  # None instead of a module: it cannot be imported
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]

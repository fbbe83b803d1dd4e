"""The conformance tests of netspec, as the author of a backend runs them."""

from __future__ import annotations

from netspec.testing.suite import BackendTests


class TestNumpy(BackendTests):
    backend = "numpy"

"""The settings with which the frameworks compute as on another processor."""

from __future__ import annotations

import os
from dataclasses import dataclass

from processor import numpy_dispatched_features, processor_features

BOTH = ("keras", "torch")


@dataclass(frozen=True)
class Setting:
    """A value of an environment variable, and the backends whose results it can change.

    `needed` are features of the processor. Without them the setting changes nothing or fails.
    """

    variable: str
    value: str
    backends: tuple[str, ...]
    needed: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.variable}={self.value}"

    @property
    def reason_to_skip(self) -> str | None:
        """The reason why this machine cannot apply the setting, or None."""
        missing = sorted(self.needed - processor_features())
        if missing:
            return f"the processor has no {', '.join(missing)}"
        return None if self.value else "NumPy has no code for this processor to switch off"


AVX2, SSE41 = frozenset({"avx2"}), frozenset({"sse4_1"})

SETTINGS = (
    Setting("TF_ENABLE_ONEDNN_OPTS", "0", ("keras",)),
    Setting("TF_ENABLE_ONEDNN_OPTS", "1", BOTH),
    Setting("ONEDNN_MAX_CPU_ISA", "AVX2", BOTH, AVX2),
    Setting("ONEDNN_MAX_CPU_ISA", "SSE41", BOTH, SSE41),
    Setting("ATEN_CPU_CAPABILITY", "avx2", ("torch",), AVX2),
    Setting("ATEN_CPU_CAPABILITY", "default", ("torch",)),
    Setting("NPY_DISABLE_CPU_FEATURES", " ".join(numpy_dispatched_features()), ("torch",)),
)
"""TF_ENABLE_ONEDNN_OPTS=1 is set by netspec, so that it is the default of every backend.

NumPy draws the initial weights and selects the batches. One backend is enough to show that.
"""


def environment_of(setting: Setting | None) -> dict[str, str]:
    """The environment with one setting, or without settings."""
    variables = {option.variable for option in SETTINGS}
    environment = {name: text for name, text in os.environ.items() if name not in variables}
    return environment | ({setting.variable: setting.value} if setting else {})

"""Which instructions the frameworks use here: the processor has them, and the environment allows them.

Known gaps of the frameworks depend on it, so a test of a gap states its condition with these functions.
"""

from __future__ import annotations

import os
from pathlib import Path

ONEDNN_WITHOUT_AVX512 = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2")
"""The values of ONEDNN_MAX_CPU_ISA below AVX-512 (oneDNN's documentation, "CPU Dispatcher Control")."""

AVX512_CORE = {"avx512f", "avx512bw", "avx512vl", "avx512dq"}
"""The features that oneDNN needs for AVX-512, as Linux names them."""


def processor_features() -> frozenset[str]:
    """The features of an x86 processor as Linux names them; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())


def onednn_uses_avx512() -> bool:
    """Whether oneDNN runs its kernels for AVX-512, in TensorFlow and in PyTorch."""
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or ""
    return processor_features() >= AVX512_CORE and limit.upper() not in ONEDNN_WITHOUT_AVX512


def tensorflow_uses_onednn() -> bool:
    """Whether TensorFlow runs oneDNN's kernels; netspec lets it unless the user forbids it."""
    return os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1").lower() not in ("0", "false")


def tensorflow_lacks_bfloat16() -> bool:
    """Whether TensorFlow has no kernel for convolutions of bfloat16.

    TensorFlow checks the processor for AVX-512, not oneDNN (IsDataTypeSupportedByOneDNNOnThisCPU in
    tensorflow/core/util/util.cc), and oneDNN has no such kernel where AVX-512 is forbidden.
    """
    handed_over = tensorflow_uses_onednn() and "avx512f" in processor_features()
    return handed_over and not onednn_uses_avx512()


def numpy_dispatched_features() -> tuple[str, ...]:
    """The features of this processor that NumPy can be set to leave unused."""
    from numpy._core import _multiarray_umath as umath

    return tuple(name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name))

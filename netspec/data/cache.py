"""The folder in which netspec keeps what it has fetched or decoded."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from netspec.text.diagnostics import DataError

REMEDY = "set the environment variable NETSPEC_CACHE to a folder that can be written"


def cache_dir() -> Path:
    """The cache folder: $NETSPEC_CACHE, or else the user's cache folder for netspec.

    Raises DataError where the variable names the home of a user that there is not.
    """
    if chosen := os.environ.get("NETSPEC_CACHE"):
        try:
            return Path(chosen).expanduser().absolute()
        except RuntimeError:
            message = f"the environment variable NETSPEC_CACHE is {chosen}, the home of no user"
            raise DataError(message, "set it to a folder that can be written") from None
    return platformdirs.user_cache_path("netspec")


def unusable(folder: Path, error: OSError) -> DataError:
    """The error that the cache folder cannot be read or written."""
    reason = error.strerror or error
    return DataError(f"the cache folder {folder} cannot be used: {reason}", REMEDY)

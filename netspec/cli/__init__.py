"""The command line."""

from netspec.cli.app import main

__all__ = ["main"]

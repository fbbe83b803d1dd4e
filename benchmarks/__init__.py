"""Measures netspec against the programs that people write without it."""

"""Writes Python modules; shared by the backends that generate source code."""

"""YAML to data with line and column, diagnostics, and files."""

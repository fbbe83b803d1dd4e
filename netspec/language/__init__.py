"""The pydantic models of a spec, and how blocks and variables expand."""

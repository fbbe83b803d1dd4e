"""The pydantic models of losses, metrics, optimizers and schedules."""

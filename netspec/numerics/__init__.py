"""What the core computes with NumPy: initial values, schedules, losses, metrics, random numbers."""

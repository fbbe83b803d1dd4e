"""Training for the user: the run folder, the epochs, progress, metrics, checkpoints."""

"""Training as a person sees it: the run folder, the epochs, progress, metrics, checkpoints."""

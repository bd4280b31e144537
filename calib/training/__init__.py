"""Train networks with hard or smoothed targets; keep them in self-describing checkpoints."""

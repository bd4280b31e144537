"""Pictures of finished numbers: every function takes curves and an Axes, and computes nothing."""

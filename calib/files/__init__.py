"""Predictions and results on disk: read, write, refuse."""

"""One family of metrics a file; each metric is a function of predictions."""

"""The names of the files in a run directory."""

CHECKPOINT, CALIBRATION, TEST = "checkpoint.pt", "calibration.npz", "test.npz"
HISTORY, CONFIG, DONE = "history.csv", "config.json", "done.json"
FIGURE, EVENTS = "training.png", "events"  # of `calib train`; a run is complete without them

"""The names of the files in a run directory."""

CHECKPOINT, CALIBRATION, TEST = "checkpoint.pt", "calibration.npz", "test.npz"
HISTORY, CONFIG, DONE = "history.csv", "config.json", "done.json"
RUN = (CHECKPOINT, CALIBRATION, TEST, HISTORY, CONFIG, DONE)  # what a complete one has
FIGURE, EVENTS = "training.png", "events"  # of `calib train`; a run is complete without them

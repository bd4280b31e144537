"""Post-hoc calibrators: fitted on the calibration split, one method a file."""

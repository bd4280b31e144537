"""
Before and after a temperature
==============================

The hatched part of a bar reaches from the accuracy of the bin to its mean confidence: above the accuracy the network
claims too much. One temperature, fitted on the calibration split, closes most of it. The strip below shows where the
examples are, and marks overall accuracy and mean confidence.
"""

import matplotlib.pyplot as plt

import calib

example = calib.load_example("digits-resnet8-hard")
scaling = calib.TemperatureScaling.fit(example.calibration)

figure, (left, right) = plt.subplots(1, 2, figsize=(7, 4), layout="constrained")
calib.reliability_diagram(example.test, ax=left, title="uncalibrated")
calib.reliability_diagram(scaling.transform(example.test), ax=right, title=f"T = {scaling.temperature:.2f}")
handles, labels = left.get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
plt.show()

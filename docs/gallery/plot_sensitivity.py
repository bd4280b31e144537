"""
ECE under other bins
====================

ECE grows with the number of bins, and so does what chance alone would give: the dotted line is a calibrated model with
the same confidences, the band goes to its 95 % quantile. As it is, no choice of bins explains the error; with a
temperature every choice does.
"""

import matplotlib.pyplot as plt

import calib

example = calib.load_example("digits-resnet8-hard")
scaled = calib.TemperatureScaling.fit(example.calibration).transform(example.test)

figure, axes = plt.subplots(1, 2, figsize=(7.6, 2.8), layout="constrained", sharey=True)
for ax, (title, predictions) in zip(axes, {"uncalibrated": example.test, "with T": scaled}.items(), strict=True):
    calib.sensitivity_strip(calib.ece_sensitivity(predictions, resamples=200), ax=ax, title=title)
    ax.label_outer()
axes[1].legend(loc="upper left", frameon=False, fontsize="small")
plt.show()

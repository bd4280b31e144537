"""
Without bins
============

The smooth curve averages confidence and correctness under a kernel whose width sets itself; the area below is where
the confidences are. CORP is the best rising curve. Its band is where that of a calibrated model would run.
"""

import matplotlib.pyplot as plt

import calib

example = calib.load_example("digits-resnet8-hard")
scaled = calib.TemperatureScaling.fit(example.calibration).transform(example.test)

figure, axes = plt.subplots(1, 2, figsize=(7, 3.8), layout="constrained", sharey=True)
for ax, (title, predictions) in zip(axes, {"uncalibrated": example.test, "with T": scaled}.items(), strict=True):
    calib.smooth_diagram(predictions, ax=ax, title=title)
    calib.corp_diagram(predictions, ax=ax, band=calib.corp_consistency(predictions))
    ax.legend(loc="upper left", fontsize="small", frameon=False)
    ax.label_outer()
plt.show()

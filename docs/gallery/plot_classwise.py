"""
Class by class
==============

P(class c) against how often it is class c, a panel a class. Most examples claim next to nothing of a class and lie in
the lowest bin; the upper bins hold the ones that are taken for it. One temperature moves all classes the same way, so
what is off in one class alone stays off.
"""

import matplotlib.pyplot as plt

import calib
from calib.plots.overlay import Overlay, overlay_figure

example = calib.load_example("cifar10-resnet20-hard")
scaled = calib.TemperatureScaling.fit(example.calibration).transform(example.test)

panels = []
for c, name in enumerate(example.test.class_names):
    sides = {"uncalibrated": example.test, "with T": scaled}.items()
    panels.append(Overlay(name, [(side, calib.calibration_curve(p, of=c, n_bins=10)) for side, p in sides]))
figure = overlay_figure(panels, columns=5)
plt.figure(figure)
plt.show()

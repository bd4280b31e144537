"""
How confident right and wrong answers are
=========================================

Each of the two sums to 1. The less they overlap, the better a threshold on confidence separates them.
"""

import matplotlib.pyplot as plt

import calib

figure, axes = plt.subplots(1, 2, figsize=(7, 3), layout="constrained", sharey=True)
for ax, name in zip(axes, ("hard", "smoothed"), strict=True):
    calib.confidence_histogram(calib.calibration_curve(calib.load_example(f"cifar10-resnet20-{name}").test), ax=ax)
    ax.set_title(name)
    ax.label_outer()
axes[0].legend(frameon=False)
plt.show()

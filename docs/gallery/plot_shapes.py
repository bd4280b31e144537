"""
Overconfident, underconfident, both
===================================

Bars whose hatching lies above the accuracy claim too much, bars with the hatching inside claim too little. Hard
targets on partly wrong labels give the first, label smoothing the second. The examples of both networks taken as one
model are off in both directions: the mean gap is nearly 0, and ECE is not.
"""

import matplotlib.pyplot as plt
import numpy as np

import calib

hard, smoothed = (calib.load_example(f"digits-resnet8-{name}").test for name in ("hard", "smoothed"))
logits = np.concatenate([hard.values, smoothed.values])
both = calib.Predictions.from_logits(logits, np.concatenate([hard.labels, smoothed.labels]))
models = {"hard targets": hard, "smoothed, α = 0.1": smoothed, "the two as one": both}

figure, axes = plt.subplots(1, 3, figsize=(9.6, 4), layout="constrained")
for ax, (title, predictions) in zip(axes, models.items(), strict=True):
    calib.reliability_diagram(predictions, ax=ax, title=title)
handles, labels = axes[2].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
plt.show()

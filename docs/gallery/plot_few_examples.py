"""
Few examples
============

Both diagrams are of a model that is calibrated: its labels were drawn from its own probabilities. With 100 examples
the bars stand far from the diagonal all the same. Consistency bars say how far they would by chance: 95 % of the
accuracies of a calibrated model fall inside.
"""

import matplotlib.pyplot as plt
import numpy as np

import calib

probs = calib.load_example("cifar10-resnet20-hard").test.probs
rng = np.random.default_rng(0)
labels = (probs.cumsum(axis=1) > rng.random((len(probs), 1))).argmax(axis=1)

figure, axes = plt.subplots(1, 2, figsize=(7, 4.4), layout="constrained")
for ax, n in zip(axes, (100, 10_000), strict=True):
    calib.reliability_diagram(probs[:n], labels[:n], ax=ax, bars="consistency", title="calibrated by construction")
handles, labels = axes[0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
plt.show()

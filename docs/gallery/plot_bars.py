"""
Confidence bars and consistency bars
====================================

Around the accuracy: where the true accuracy of the bin may be, given these examples (Wilson, 95 %). Around the
diagonal: where the accuracy of a calibrated model would fall with as many examples. A bar of the second kind that does
not reach its accuracy says that this bin is off.
"""

import matplotlib.pyplot as plt

import calib

test = calib.load_example("digits-resnet8-hard").test
figure, axes = plt.subplots(1, 2, figsize=(7, 4.4), layout="constrained")
for ax, bars in zip(axes, ("confidence", "consistency"), strict=True):
    calib.reliability_diagram(test, ax=ax, bars=bars, title=f"{bars} bars")
handles, labels = axes[0].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
plt.show()

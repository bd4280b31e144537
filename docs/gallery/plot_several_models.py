"""
Several models in one diagram
=============================

A line a model, a marker a bin that grows with the examples in it: small ones are mostly noise.
"""

import matplotlib.pyplot as plt

import calib

curves = []
for name, label in {"hard": "hard", "smoothed": "α = 0.1"}.items():
    example = calib.load_example(f"cifar10-resnet20-{name}")
    scaling = calib.TemperatureScaling.fit(example.calibration)
    curves.append((label, calib.calibration_curve(example.test)))
    curves.append((f"{label} + T", calib.calibration_curve(scaling.transform(example.test))))

figure, ax = plt.subplots(figsize=(4.6, 4.4), layout="constrained")
calib.reliability_overlay(curves, ax=ax, title="ResNet-20 on CIFAR-10")
plt.show()

"""
Risk against coverage
=====================

Answer the most confident examples alone: how many of the answers are wrong? A temperature hardly moves the curve,
since it hardly changes the order of the confidences. The smoothed network is right a little more often, and yet of its
most confident answers more are wrong.
"""

import matplotlib.pyplot as plt

import calib
from calib.plots.risk_coverage import Ranked

lines = []
for i, name in enumerate(("hard", "smoothed")):
    example = calib.load_example(f"cifar10-resnet20-{name}")
    scaled = calib.TemperatureScaling.fit(example.calibration).transform(example.test)
    lines.append(Ranked(name, [calib.risk_coverage(example.test)], colour=i))
    lines.append(Ranked(f"{name} + T", [calib.risk_coverage(scaled)], colour=i, dashed=True))

figure, ax = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
calib.risk_coverage_diagram(lines, ax=ax)
plt.show()

"""Point masses on [0, 1] spread by the reflected Gaussian, as a cosine series: what smooth calibration errors need."""

from dataclasses import dataclass
from math import ceil, log2, pi

import numpy as np

from calib._arrays import Float, blocks

ORDER = 5  # the highest power of a mass's distance to its node that is kept
MAX_CELLS = 2**22


@dataclass(frozen=True, eq=False)
class HeatSeries:
    """Masses on [0, 1]: ``coefficients[m]`` = Σ mass · cos(π m position), m = 0 … ``cells``.

    The Gaussian whose images at ±c + 2j reflect it at 0 and 1 is the heat kernel of an insulated rod, so width s
    multiplies coefficient m by exp(−(π m s)² / 2), and a mass at 0 or 1 is spread inwards whole.

    Masses are moved to the nearest of ``cells`` + 1 nodes and their moments about it kept up to `ORDER`.  By Taylor's
    theorem that changes the spread density, in L1, by less than 2e-7 of Σ |mass| at s = 4 / cells (E|He₆(Z)| < 27, so
    27 / 6! · (1/8)⁶), and with s⁻⁶ ever less above.
    """

    coefficients: Float

    @classmethod
    def of(cls, positions: Float, masses: Float, cells: int) -> "HeatSeries":
        """The series of ``masses`` ``(n,)`` at ``positions`` ``(n,)`` in [0, 1]; ``cells`` is a power of 2."""
        moments = np.zeros((ORDER + 1, cells + 1))
        for rows in blocks(len(positions), 4):
            scaled = positions[rows] * cells
            node = np.rint(scaled)
            distance, index = scaled - node, node.astype(np.intp)
            moving = masses[rows].copy()
            for moment in moments:
                np.add.at(moment, index, moving)
                moving *= distance
        step = -1j * pi * np.arange(cells + 1) / cells
        factor = np.ones(cells + 1, np.complex128)
        coefficients = np.zeros(cells + 1)
        for power, moment in enumerate(moments):
            if power:
                factor *= step / power
            coefficients += (factor * np.fft.rfft(moment, 2 * cells)).real
        return cls(coefficients)

    def spread(self, width: float, cells: int) -> tuple[Float, Float]:
        """Density and its integral from 0, both at i / ``cells``, i = 0 … ``cells``, of the masses at ``width``."""
        m = np.arange(1, min(cells, len(self.coefficients) - 1) + 1)
        with np.errstate(over="ignore", under="ignore"):
            damped = self.coefficients[m] * np.exp(-((pi * m * width) ** 2) / 2)
        series = np.zeros(cells + 1, np.complex128)  # cosines make the even half of the transform, sines the odd half
        series[0] = self.coefficients[0]
        series[m] = damped - 1j * damped / (pi * m * width)  # 1 / width: both halves as large, both rounded as finely
        both = np.fft.irfft(series * (2 * cells), 2 * cells)
        ahead, behind = both[: cells + 1], np.append(both[0], both[: cells - 1 : -1])
        ramp = self.coefficients[0] * np.arange(cells + 1) / cells
        return (ahead + behind) / 2, (ahead - behind) * (width / 2) + ramp

    def absolute_integral(self, width: float) -> float:
        """∫ |density| over [0, 1] at ``width``: the variation of its integral, which is exact where no sign changes.

        A zero inside a cell is that of the cubic through density and integral at both ends; cells are ``width`` / 16
        or narrower, which leaves an error below 1e-6 of Σ |mass|, and mostly below 1e-8.
        """
        cells = _cells(16 / width)
        density, integral = self.spread(width, cells)
        steps = np.diff(integral)
        pieces = np.abs(steps)
        crossing = np.flatnonzero(np.signbit(density[:-1]) != np.signbit(density[1:]))
        peak = _extremum(density[crossing] / cells, density[crossing + 1] / cells, steps[crossing])
        pieces[crossing] = np.abs(peak) + np.abs(steps[crossing] - peak)
        return float(pieces.sum())


def width_to_cells(width: float) -> int:
    """The number of cells, a power of 2, that does for ``width`` and everything wider."""
    return _cells(4 / width)


def _cells(at_least: float) -> int:
    return min(MAX_CELLS, 1 << max(6, ceil(log2(at_least))))


def _extremum(start: Float, end: Float, step: Float) -> Float:
    """The extremum inside (0, 1) of cubics from (0, 0) to (1, ``step``) whose slopes at the ends differ in sign."""
    linear, quadratic = 3 * step - 2 * start - end, start + end - 2 * step  # slope: start + 2 linear x + 3 quadratic x²
    root = np.sqrt(np.maximum(linear**2 - 3 * quadratic * start, 0))
    larger = -(linear + np.copysign(root, linear))
    with np.errstate(divide="ignore", invalid="ignore"):
        far, near = larger / (3 * quadratic), start / larger
    x = np.clip(np.nan_to_num(np.where((far >= 0) & (far <= 1), far, near)), 0, 1)
    extremum: Float = x * (start + x * (linear + x * quadratic))
    return extremum

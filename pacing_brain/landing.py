"""The distribution of what a flight will have spent at its end: Student's t with 2 degrees of freedom around a middle.

It has the heavy tails that real spend has (levels shift), and closed forms:

    P(T <= k) = 1/2 + k / (2 sqrt(2 + k^2))      its inverse, with a = 2 p - 1:  k = a sqrt(2 / (1 - a^2))
    E max(T - k, 0) = (sqrt(2 + k^2) - k) / 2
"""

from dataclasses import dataclass

import numpy as np

from pacing_brain.spend_rate import Floats


@dataclass(frozen=True)
class Landing:
    """Per flight: the middle, its scale (0: certain), and the least that it can be, which is spent already."""

    middle: Floats
    scale: Floats
    least: Floats

    def interval(self, covered: float) -> tuple[Floats, Floats]:
        """(low, high) that hold `covered` of it."""
        reach = covered * np.sqrt(2.0 / (1.0 - covered**2)) * self.scale
        return np.maximum(self.middle - reach, np.minimum(self.least, self.middle)), self.middle + reach

    def chance_over(self, micros: Floats) -> Floats:
        """The chance that it ends above an amount; what is spent already is certain."""
        k = self._in_scales(micros)
        return np.where(self.least > micros, 1.0, 0.5 - k / (2.0 * np.sqrt(2.0 + k**2)))

    def expected_over(self, micros: Floats) -> Floats:
        """What it ends above an amount, nothing counting where it ends below."""
        k = self._in_scales(micros)
        return np.where(self.scale > 0, self.scale * (np.sqrt(2.0 + k**2) - k) / 2.0, np.maximum(self.middle - micros, 0.0))

    def _in_scales(self, micros: Floats) -> Floats:
        off = micros - self.middle
        return np.clip(np.divide(off, self.scale, out=np.sign(off) * 1e9, where=self.scale > 0), -1e9, 1e9)

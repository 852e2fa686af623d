"""The few statistics that the reports need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from attrs import frozen


@frozen
class Spread:
    """A median and the extremes."""

    median: float
    low: float
    high: float


def spread(samples: Sequence[float]) -> Spread:
    """Return the median and the extremes of at least one sample."""
    return Spread(median(samples), min(samples), max(samples))


def ratio(own: Sequence[float], base: Sequence[float]) -> Spread:
    """Return the spread of the ratios within each round: a slow round slows both sides."""
    return spread([one / other for one, other in zip(own, base, strict=True)])


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of the ordered samples that at least ``share`` of them do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return the exponent b of the best-fitting power law a * size^b, by least squares over the logarithms.

    Needs at least two different sizes, all greater than 0.
    """
    x = [math.log(size) for size in sizes]
    y = [math.log(second) for second in seconds]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    covariance = sum((one - middle_x) * (other - middle_y) for one, other in zip(x, y, strict=True))
    return covariance / sum((one - middle_x) ** 2 for one in x)

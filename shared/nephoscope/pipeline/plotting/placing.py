"""Names beside the ends of lines, moved apart so that none stands upon another."""

from __future__ import annotations

from collections.abc import Sequence


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> tuple[float, ...]:
    """Places as near to the wanted ones as they can be, no two nearer than `gap`, within [low, high] as far as there is
    room; in the order of `wanted`."""
    order = sorted(range(len(wanted)), key=lambda index: (wanted[index], index))
    placed: list[float] = []
    for index in order:
        least = placed[-1] + gap if placed else low
        placed.append(max(least, min(wanted[index], high)))
    ceiling = high
    for position in range(len(placed) - 1, -1, -1):
        placed[position] = min(placed[position], ceiling)
        ceiling = placed[position] - gap
    found = dict(zip(order, placed, strict=True))
    return tuple(found[index] for index in range(len(wanted)))

"""Requirements: the use to expect at every stock point, exploded along one source each (rule P15)."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from app.engine.problem import Kind
from app.services.planning.network import Point
from app.services.planning.sources import Source

Values = npt.NDArray[np.float64]
PREFERENCE = (Kind.MAKE, Kind.PURCHASE, Kind.TRANSFER)


def coming_use(points: Sequence[Point], sources: Sequence[Source], demand: Values) -> Values:
    """Return the use (n, T) of each point: its own `demand` (n, T) and what making or moving takes of it.

    Lead times do not count here, and every point is filled from one source only: made if it can be, else
    bought, else moved. It serves to state cover in days of use, not to plan.
    """
    first = _first_sources(sources)
    index = {point: row for row, point in enumerate(points)}
    use = demand.copy()
    for point in _downstream_first(points, first):
        source = first.get(point)
        if source is not None:
            for drawn_from, quantity in source.inputs.items():
                if drawn_from in index:
                    use[index[drawn_from]] += use[index[point]] * quantity / source.output
    return use


def _first_sources(sources: Sequence[Source]) -> dict[Point, Source]:
    first: dict[Point, Source] = {}
    for source in sorted(sources, key=lambda s: PREFERENCE.index(s.kind)):
        first.setdefault(source.point, source)
    return first


def _downstream_first(points: Sequence[Point], first: dict[Point, Source]) -> list[Point]:
    """Return the points so that each comes before those that it is made or moved from."""
    ordered: list[Point] = []
    seen: set[Point] = set()
    for point in points:
        _visit(point, first, seen, ordered.append)
    return ordered[::-1]


def _visit(point: Point, first: dict[Point, Source], seen: set[Point], add: Callable[[Point], None]) -> None:
    """Add everything upstream of a point, then the point; one on a circle is visited once."""
    if point in seen:
        return
    seen.add(point)
    if point in first:
        for upstream in first[point].inputs:
            _visit(upstream, first, seen, add)
    add(point)

"""Units of measure: there and back, in chains, never guessed."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.dimensions.units import Conversions

ROWS = [
    {"item": None, "from_unit": "CTN", "to_unit": "EA", "factor": 12.0},
    {"item": None, "from_unit": "PAL", "to_unit": "CTN", "factor": 40.0},
    {"item": "POT", "from_unit": "EA", "to_unit": "KG", "factor": 0.25},
    {"item": "CUP", "from_unit": "CTN", "to_unit": "EA", "factor": 6.0},
]
KNOWN = Conversions(ROWS)


@pytest.mark.parametrize(
    ("item", "start", "end", "factor"),
    [
        ("POT", "CTN", "EA", 12.0),
        ("CUP", "CTN", "EA", 6.0),
        ("CUP", "PAL", "EA", 240.0),
        ("POT", "PAL", "EA", 480.0),
        ("POT", "PAL", "KG", 120.0),
        ("POT", "KG", "EA", 4.0),
        ("LID", "EA", "EA", 1.0),
        ("LID", "EA", "KG", None),
        ("LID", "EA", "LITRE", None),
    ],
)
def test_a_factor_is_the_items_own_or_general_or_a_chain(
    item: str, start: str, end: str, factor: float | None
) -> None:
    assert KNOWN.factor(item, start, end) == factor


def test_a_factor_that_was_stated_is_that_factor_exactly() -> None:
    """49 does not come back from its inverse, so both directions are kept as stated."""
    stated = Conversions([{"item": None, "from_unit": "TRAY", "to_unit": "EA", "factor": 49.0}])
    assert (stated.factor("X", "TRAY", "EA"), stated.factor("X", "EA", "TRAY")) == (49.0, 1 / 49.0)


UNITS = st.sampled_from(["A", "B", "C", "D", "E"])
FACTORS = st.floats(0.01, 1000)
TABLES = st.dictionaries(
    st.tuples(st.sampled_from([None, "I"]), UNITS, UNITS).filter(lambda key: key[1] < key[2]), FACTORS
)


def conversions(table: dict[tuple[str | None, str, str], float]) -> Conversions:
    return Conversions(
        {"item": item, "from_unit": start, "to_unit": end, "factor": factor}
        for (item, start, end), factor in table.items()
    )


@given(table=TABLES, start=UNITS, end=UNITS)
def test_there_and_back_is_where_one_began(
    table: dict[tuple[str | None, str, str], float], start: str, end: str
) -> None:
    known = conversions(table)
    there, back = known.factor("I", start, end), known.factor("I", end, start)
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert there * back == pytest.approx(1.0, rel=1e-12)


@given(sizes=st.dictionaries(UNITS, FACTORS, min_size=3), data=st.data())
def test_units_of_one_scale_agree_by_every_way(sizes: dict[str, float], data: st.DataObject) -> None:
    """Where every unit has one size, no chain contradicts a row, and any two chains agree."""
    pairs = data.draw(st.sets(st.tuples(*[st.sampled_from(sorted(sizes))] * 2).filter(lambda p: p[0] < p[1])))
    known = conversions({(None, start, end): sizes[start] / sizes[end] for start, end in pairs})
    assert list(known.contradictions(None)) == []
    start, middle, end = (data.draw(st.sampled_from(sorted(sizes))) for _ in range(3))
    steps = known.factor("I", start, middle), known.factor("I", middle, end)
    assume(None not in steps)
    assert known.factor("I", start, end) == pytest.approx(steps[0] * steps[1], rel=1e-9)  # type: ignore[operator]


def test_a_chain_that_contradicts_a_row_is_told() -> None:
    rows = [*ROWS, {"item": "POT", "from_unit": "CTN", "to_unit": "KG", "factor": 4.0}]
    told = {(start, end): factor for start, end, factor in Conversions(rows).contradictions("POT")}
    assert told["CTN", "KG"] == 3.0
    assert list(Conversions(rows).contradictions(None)) == []

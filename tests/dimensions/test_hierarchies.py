"""Who belongs where, on which day: own rows, dated rows, groups that move, levels that are left out."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.dimensions.hierarchies import HIERARCHIES, Structure, eras

ROWS = {
    "item": [
        {"item": "I1", "family": "GAS"},
        {"item": "I2", "family": None},
        {"item": "I3", "family": "TOP"},
    ],
    "family": [
        {"family": "TOP", "parent": None, "level": "category"},
        {"family": "OLD", "parent": None, "level": "category"},
        {"family": "GAS", "parent": "TOP", "level": "family"},
    ],
    "item_membership": [
        {"item": "I1", "family": "TOP", "valid_from": None, "valid_to": date(2024, 1, 1)},
        {"item": "I1", "family": "OLD", "valid_from": date(2024, 1, 1), "valid_to": date(2025, 1, 1)},
    ],
    "group_membership": [
        {
            "hierarchy": "family",
            "group": "GAS",
            "parent": "OLD",
            "valid_from": None,
            "valid_to": date(2025, 6, 1),
        },
        {"hierarchy": "region", "group": "GAS", "parent": "X", "valid_from": None, "valid_to": None},
    ],
}
FAMILY = Structure(HIERARCHIES["family"], ROWS)


def test_the_own_row_holds_today_and_where_no_other_does() -> None:
    assert FAMILY.group_of("I1") == "GAS"
    assert FAMILY.group_of("I1", date(2025, 3, 1)) == "GAS"
    assert (FAMILY.group_of("I2"), FAMILY.group_of("?"), FAMILY.group_of(None)) == (None, None, None)


def test_a_dated_row_holds_from_its_first_day_to_before_its_last() -> None:
    days = [date(2023, 12, 31), date(2024, 1, 1), date(2024, 12, 31), date(2025, 1, 1)]
    assert [FAMILY.group_of("I1", day) for day in days] == ["TOP", "OLD", "OLD", "GAS"]


def test_a_group_that_moved_takes_its_members_along() -> None:
    assert FAMILY.at_level("GAS", "category") == "TOP"
    assert FAMILY.at_level("GAS", "category", date(2025, 5, 31)) == "OLD"
    assert FAMILY.path("GAS", date(2025, 6, 1)) == ("GAS", "TOP")


def test_a_level_that_is_left_out_has_no_group() -> None:
    assert FAMILY.at_level(FAMILY.group_of("I3"), "family") is None
    assert FAMILY.at_level(None, "category") is None


def test_rows_of_another_hierarchy_do_not_count() -> None:
    assert FAMILY.changes == {date(2024, 1, 1), date(2025, 1, 1), date(2025, 6, 1)}


def test_what_is_below_a_group_includes_the_group() -> None:
    assert FAMILY.below(["TOP"]) == {"TOP", "GAS"}


def test_groups_in_a_loop_end_somewhere() -> None:
    loop = Structure(
        HIERARCHIES["region"], {"region": [{"region": "A", "parent": "B"}, {"region": "B", "parent": "A"}]}
    )
    assert loop.path("A") == ("A", "B")
    assert loop.below(["A"]) == {"A", "B"}


@given(
    starts=st.lists(st.integers(0, 900), min_size=1, max_size=12, unique=True).map(sorted),
    changes=st.sets(st.integers(-10, 910), max_size=6),
)
def test_within_an_era_nothing_changes(starts: list[int], changes: set[int]) -> None:
    first = date(2024, 1, 1)
    days = [first + timedelta(days=number) for number in starts]
    moves = frozenset(first + timedelta(days=number) for number in changes)
    found = eras(days, moves)
    for place, day in enumerate(days):
        sample = found.days[found.of_bucket[place]]
        assert sample is not None
        assert sample <= day
        assert not any(sample < move <= day for move in moves)
    assert len(found.days) <= len(moves) + 1

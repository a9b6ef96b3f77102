"""A supplier's answer: what is refused, and the promise that follows from it."""

from datetime import date
from math import inf, nan

import pytest

from app.errors import Rejected
from app.services.parties.checks import MAX_ROWS, released_buckets
from app.services.parties.commits import (
    AnswerKind,
    BucketAnswer,
    Delivery,
    LineAnswer,
    commit_payload,
    promises,
)
from app.services.releasing.projections import projection_lines
from tests.outside import head, plan_view

VIEW = plan_view()
RELEASE = head(VIEW)
LINES = projection_lines(VIEW, "PV1", None, ())
BUCKETS = released_buckets(RELEASE)
FIRST, SECOND, THIRD = (bucket.start for bucket in BUCKETS[:3])


def answer(start: date, kind: AnswerKind = AnswerKind.FULL, *deliveries: tuple[date, float]) -> BucketAnswer:
    """An answer to one bucket."""
    return BucketAnswer(start, kind, tuple(Delivery(*delivery) for delivery in deliveries))


def problems(*answers: LineAnswer) -> list[tuple[str, tuple[object, ...], int]]:
    """Code, path and row of everything wrong with these answers."""
    with pytest.raises(Rejected) as caught:
        commit_payload(RELEASE, LINES, answers)
    return [(e.code, e.details["field"], e.details["row"]) for e in caught.value.problems]  # type: ignore[misc]  # as they are raised


def test_in_full_promises_the_projection_and_declined_nothing() -> None:
    promised = promises(
        [10, 20, 30, 0, 0, 0, 0, 0],
        BUCKETS,
        [answer(FIRST), answer(SECOND, AnswerKind.DECLINED)],
    )
    assert promised == {0: 10, 1: 0}


def test_a_partial_answer_promises_each_delivery_where_it_arrives() -> None:
    late = (date(2026, 1, 20), 5.0)
    partial = answer(SECOND, AnswerKind.PARTIAL, (date(2026, 1, 13), 8.0), late)
    assert promises([10, 20, 30, 0, 0, 0, 0, 0], BUCKETS, [partial]) == {1: 8, 2: 35}


def test_a_delivery_into_an_answered_bucket_comes_on_top_of_that_answer() -> None:
    late = (date(2026, 1, 20), 5.0)
    said = [answer(SECOND, AnswerKind.PARTIAL, late), answer(THIRD, AnswerKind.DECLINED)]
    assert promises([10, 20, 30, 0, 0, 0, 0, 0], BUCKETS, said) == {1: 0, 2: 5}


def test_lines_are_found_by_either_code_and_kept_by_ours() -> None:
    payload = commit_payload(RELEASE, LINES, [LineAnswer("pv1-rim", "P", "V1", (answer(SECOND),))])
    (line,) = payload["lines"]  # type: ignore[misc]  # a list of lines
    assert (line["item"], line["supplier"], line["unit"], line["base_factor"]) == ("RIM", "V1", "BOX", 10.0)
    assert line["promises"] == [{"start": SECOND, "end": THIRD, "quantity": 10.0}]


def test_site_and_supplier_are_asked_for_where_several_lines_fit() -> None:
    assert problems(LineAnswer("RIM", None, None, (answer(FIRST),))) == [
        ("BAD_VALUE", ("lines", 0, "shipTo"), 0)
    ]


def test_the_supplier_is_asked_for_where_the_site_is_said() -> None:
    assert problems(LineAnswer("RIM", "P", None, (answer(FIRST),))) == [
        ("BAD_VALUE", ("lines", 0, "supplier"), 0)
    ]


def test_another_partys_code_is_as_unknown_as_one_that_nobody_has() -> None:
    for code in ("pv2-secret-rim", "nobodys", "TUBE"):
        assert problems(LineAnswer(code, None, None, (answer(FIRST),))) == [
            ("UNKNOWN_KEY", ("lines", 0, "item"), 0)
        ]


def test_every_problem_is_named_with_its_place() -> None:
    day_after = BUCKETS[-1].end
    bad = LineAnswer(
        "BOLT",
        None,
        None,
        (
            answer(date(2026, 1, 6)),
            answer(FIRST),
            answer(FIRST),
            answer(
                SECOND, AnswerKind.PARTIAL, (SECOND, -1.0), (day_after, 1.0), (SECOND, nan), (SECOND, inf)
            ),
            answer(THIRD, AnswerKind.PARTIAL),
        ),
    )
    assert problems(LineAnswer("BOLT", None, None, (answer(FIRST),)), bad) == [
        ("BAD_VALUE", ("lines", 1, "buckets", 0, "start"), 1),
        ("BAD_VALUE", ("lines", 1, "buckets", 2, "start"), 1),
        ("BAD_VALUE", ("lines", 1, "buckets", 3, "answer", "partial", 0, "quantity"), 1),
        ("BAD_VALUE", ("lines", 1, "buckets", 3, "answer", "partial", 1, "date"), 1),
        ("BAD_VALUE", ("lines", 1, "buckets", 3, "answer", "partial", 2, "quantity"), 1),
        ("BAD_VALUE", ("lines", 1, "buckets", 3, "answer", "partial", 3, "quantity"), 1),
        ("BAD_VALUE", ("lines", 1, "buckets", 4, "answer", "partial"), 1),
        ("BAD_VALUE", ("lines", 1, "item"), 1),
    ]


def test_a_note_is_no_book() -> None:
    declined = BucketAnswer(FIRST, AnswerKind.DECLINED, reason="other", note="x" * 2001)
    assert problems(LineAnswer("BOLT", None, None, (declined,))) == [
        ("BAD_VALUE", ("lines", 0, "buckets", 0, "answer", "declined", "note"), 0)
    ]


@pytest.mark.parametrize(
    ("given", "field"), [({"site": "NOWHERE"}, "shipTo"), ({"supplier": "ELSE"}, "supplier")]
)
def test_a_line_that_was_not_released_is_named_by_what_does_not_fit(
    given: dict[str, str], field: str
) -> None:
    said = LineAnswer(LINES[0].item, given.get("site"), given.get("supplier"), (answer(FIRST),))
    assert problems(said) == [("UNKNOWN_KEY", ("lines", 0, field), 0)]


def test_a_list_beyond_all_measure_is_refused_as_such_alone() -> None:
    said = LineAnswer(LINES[0].item, LINES[0].site, LINES[0].supplier, (answer(FIRST),) * (MAX_ROWS + 1))
    assert problems(said) == [("BAD_VALUE", ("lines", 0, "buckets"), 0)]

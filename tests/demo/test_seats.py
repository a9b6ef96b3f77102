"""The first questions that `demo` prints fit the graphs they are for."""

from __future__ import annotations

import pytest
from graphql import parse, validate

from app.auth import AUDIENCES
from app.cli.demo import Seat, seats
from app.main import SCHEMAS


@pytest.mark.parametrize("seat", seats(), ids=lambda seat: seat.role)
def test_the_question_of_a_seat_fits_its_graph(seat: Seat) -> None:
    (audience,) = (audience for audience in AUDIENCES if audience == seat.audience)
    assert validate(SCHEMAS[audience]._schema, parse(seat.query)) == []


def test_there_is_a_seat_for_everybody_of_the_story() -> None:
    assert {
        "sales",
        "operations",
        "finance",
        "executive",
        "planner",
        "supplier_planner",
        "customer_planner",
    } <= {seat.role for seat in seats()}

"""Rules 61 to 63: what is behind a quantity, by hand; and parametric solves against solving anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.explain import Cell, Explainer
from app.engine.network import components
from app.engine.problem import Activities, Demands, Inputs, Kind, Resources, Stocks, Uses
from app.engine.solution import ELEMENTS
from app.engine.solve import solve
from app.engine.study import MOVED_IN_PLACE, Limit, Study, relaxed_by
from app.errors import PlanningError
from tests.engine.builders import problem, random_problem

seeds = st.integers(0, 10**6)


def shop(*, hours=(10.0, 10.0, 10.0), overtime=0.0, lead=0, cost=0.0, late=2.0, asked=(0.0, 14.0, 0.0)):
    """One item made at an hour each, asked for in b1; it may be late until b2 and is held at 1 a bucket."""
    steps = np.arange(3)
    return problem(
        3,
        Stocks.of(["item"], 3, holding_cost=1.0),
        Activities.of(
            ["make"], 3, kind=[Kind.MAKE], stock=[0], cost=cost, arrival=[np.minimum(steps + lead, 3)]
        ),
        resources=Resources.of(["shop"], 3, regular=[list(hours)], overtime=overtime, overtime_cost=5.0),
        uses=Uses.of([0], [0], 1.0, 3),
        demands=Demands.of(
            ["d"], 3, stock=[0], quantity=[list(asked)], price=100.0, late_cost=late, latest=[[2, 2, 2]]
        ),
    )


def behind(explanation, kind):
    return next(one for one in explanation.behind if one.kind == kind)


def test_rule_62_late_for_want_of_hours():
    """14 asked for in b1; 10 hours there and 2 in b0: two units are late in b2."""
    answer = Explainer(shop(hours=(2.0, 10.0, 10.0))).explain(Cell("demand", "d", 1))
    assert (answer.verdict, answer.value, answer.wanted) == ("late", 2.0, 0.0)
    assert answer.possible is False  # no plan has one unit more in time
    assert answer.less is None
    assert answer.more == pytest.approx(2.0 - 1.0)  # a unit more late: 2, and one less held from b0: 1
    now, before = (one for one in answer.behind if one.kind == "regular")
    assert (now.bucket, now.limit, now.flip) == (
        1,
        10.0,
        pytest.approx(2.0),
    )  # two hours in b1 and all is in time
    assert now.more == pytest.approx(2.0)  # an hour in b1 spares a unit late
    assert now.less == pytest.approx(2.0)
    assert (before.bucket, before.more, before.flip) == (0, pytest.approx(1.0), pytest.approx(2.0))
    assert all(one.alone for one in (now, before))


def test_rule_62_late_because_overtime_costs_more():
    """Overtime would do it at 5 an hour, being late costs 2: a unit in time is 3 dearer."""
    answer = Explainer(shop(hours=(0.0, 10.0, 10.0), overtime=8.0)).explain(Cell("demand", "d", 1))
    assert (answer.value, answer.possible) == (4.0, True)
    assert answer.less == pytest.approx(3.0)
    assert behind(answer, "cost").flip == pytest.approx(3.0)
    assert behind(answer, "regular").flip == pytest.approx(4.0)


def test_rule_62_late_for_its_lead_time():
    """What is started in b0 lands in b2: a bucket less of lead time, and all of it is there in b1."""
    answer = Explainer(shop(hours=(20.0, 20.0, 20.0), lead=2)).explain(Cell("demand", "d", 1))
    assert (answer.value, answer.verdict) == (14.0, "late")
    found = behind(answer, "lead_time")
    assert (found.code, found.limit, found.alone, found.flip) == ("make", 2.0, True, 1.0)
    assert found.more == pytest.approx(28.0)


def bought(*, upper, opening=0.0):
    """A bicycle made of a frame that is bought, in two buckets; ten are asked for in each, never late."""
    return problem(
        2,
        Stocks.of(["bike", "frame"], 2, opening=[0.0, opening]),
        Activities.of(
            ["make", "buy"],
            2,
            kind=[Kind.MAKE, Kind.PURCHASE],
            stock=[0, 1],
            upper=[[np.inf, np.inf], list(upper)],
            cost=[[0.0], [7.0]],
        ),
        inputs=Inputs.of([0], [1], 1.0, 2),
        demands=Demands.of(["d"], 2, stock=[0], quantity=10.0, price=20.0),
    )


def test_rule_62_short_for_a_supplier_limit():
    answer = Explainer(bought(upper=(6.0, 100.0))).explain(Cell("demand", "d", 0))
    found = behind(answer, "activity_upper")
    assert (found.code, found.bucket, found.limit) == ("buy", 0, 6.0)
    assert (found.more, found.less) == (pytest.approx(13.0), pytest.approx(13.0))  # 20 earned, 7 paid
    assert found.flip == pytest.approx(4.0)
    material = behind(answer, "material")
    assert (material.code, material.more, material.flip) == ("frame", pytest.approx(20.0), pytest.approx(4.0))


def test_rule_62_short_because_nothing_can_be_bought_yet():
    """The purchase is closed in b0 (its lead time): opened by ten units, nothing is missing."""
    answer = Explainer(bought(upper=(0.0, 100.0), opening=3.0)).explain(Cell("demand", "d", 0))
    assert answer.value == 7.0
    found = behind(answer, "closed")
    assert (found.code, found.bucket, found.limit) == ("buy", 0, 0.0)
    assert found.more == pytest.approx(13.0)
    assert found.flip == pytest.approx(7.0)


def test_rule_62_made_early_for_want_of_hours_later():
    answer = Explainer(shop(hours=(10.0, 10.0, 10.0), late=9.0)).explain(Cell("level", "make", 0))
    assert (answer.verdict, answer.value, answer.wanted) == ("early", 4.0, 0.0)
    assert answer.less == pytest.approx(8.0)  # a unit late at 9, no longer held at 1
    later = behind(answer, "regular")
    assert (later.bucket, later.flip) == (1, pytest.approx(4.0))


def test_rule_62_a_full_resource_and_a_free_one():
    full = Explainer(shop()).explain(Cell("hours", "shop", 1))
    assert (full.verdict, full.possible) == ("limited", False)
    free = Explainer(shop()).explain(Cell("hours", "shop", 2))
    assert (free.verdict, free.behind) == ("free", ())


def test_rule_62_a_firm_quantity_holds_a_level():
    firm = shop()
    acts = replace(firm.activities, lower=np.array([[6.0, 0.0, 0.0]]))
    answer = Explainer(replace(firm, activities=acts)).explain(Cell("level", "make", 0))
    assert answer.verdict == "held"
    found = behind(answer, "activity_lower")
    assert (found.limit, found.more) == (6.0, pytest.approx(1.0))  # a unit less is not held for a bucket


def test_rule_61_another_eye_sees_other_values():
    """With lateness at ten times its cost an hour is worth what it spares of it."""
    explainer = Explainer(shop(hours=(0.0, 10.0, 10.0)), {"lateness": 10.0, "revenue": 1.0})
    assert behind(explainer.explain(Cell("demand", "d", 1)), "regular").more == pytest.approx(20.0)


def test_unknown_cells_are_refused():
    explainer = Explainer(shop())
    with pytest.raises(PlanningError, match="no level"):
        explainer.explain(Cell("level", "nothing", 0))
    with pytest.raises(PlanningError, match="no demand"):
        explainer.explain(Cell("demand", "d", 9))


@given(
    st.integers(0, 10**6),
    st.sampled_from(MOVED_IN_PLACE),
    st.integers(0, 10**6),
    st.sampled_from([-1.0, 1.0, 2.5]),
)
def test_rule_61_moving_a_limit_in_place_is_solving_the_moved_problem(seed, kind, cell, delta):
    given_problem = random_problem(seed, periods=4, blocks=1)
    if solve(given_problem).decisions is None:
        return
    part = components(given_problem)[0].problem
    study = Study(part, np.ones(len(ELEMENTS)))
    layout = study.formulation.layout
    own = {"regular": layout.regular, "overtime": layout.overtime}
    axis = own.get(kind, layout.level if kind.startswith("activity") else layout.stock)
    cells = np.argwhere(axis >= 0)
    row, bucket = cells[cell % len(cells)].tolist()
    limit = Limit(kind, row, bucket, 0.0)
    if kind == "material" and part.stocks.receipts[row, bucket] + delta < 0:
        return
    if kind == "activity_lower" and delta < 0 and part.activities.upper[row, bucket] < 1:
        return
    anew = solve(relaxed_by(part, limit, delta))
    expected = anew.objective if anew.decisions is not None else np.inf
    assert study.cost(None, limit, delta) == pytest.approx(expected, rel=1e-7, abs=1e-6)
    assert study.cost() == pytest.approx(study.base.objective, rel=1e-9, abs=1e-7)  # and is put back


@given(seeds)
def test_rule_61_values_are_signed_and_a_flip_really_flips(seed):
    given_problem = random_problem(seed, periods=4, blocks=1)
    answer = solve(given_problem)
    if answer.decisions is None:
        return
    explainer = Explainer(given_problem)
    open_units = answer.decisions.backlog + answer.decisions.short
    for row, bucket in np.argwhere(open_units > 1e-6)[:1].tolist():
        code = given_problem.demands.codes[row]
        found = explainer.explain(Cell("demand", code, bucket), float(open_units[row, bucket]))
        assert found.verdict == "late"
        for one in found.behind:
            if one.kind != "lead_time":  # what lands earlier is held for longer
                assert (one.more or 0.0) >= -1e-6
            assert (one.less or 0.0) >= -1e-6
            if one.kind in MOVED_IN_PLACE and one.flip is not None:
                flipped(given_problem, one, Cell("demand", code, bucket))


def flipped(given_problem, one, cell):
    axis = {"regular": "resources", "overtime": "resources", "stock_maximum": "stocks", "material": "stocks"}
    codes = getattr(given_problem, axis.get(one.kind, "activities")).codes
    limit = Limit(one.kind, codes.index(one.code), one.bucket, one.limit)
    after = Explainer(relaxed_by(given_problem, limit, one.flip * (1 + 1e-6) + 1e-6))
    now = after.explain(cell, 0.0)
    assert now.value == 0.0
    study = next(iter(after._studies.values()))
    assert study.cost((-np.inf, 0.0)) == pytest.approx(study.cost(), rel=1e-7, abs=1e-5)

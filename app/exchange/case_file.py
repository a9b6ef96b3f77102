"""Read a stand-alone case from a file, and say in one line what is wrong with it: the file and the field.

The shape of a case is data here (`PLAN`, `MRP`): a mapping gives each field its form, and `*` stands for
names that the case chooses. Fields that the format does not know are left alone and reported.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, TypeAlias

from app.errors import InputError, PlanningError
from app.exchange.case_answer import with_changes

SHOWN = 40  # characters of a found value that are shown


@dataclass(frozen=True, slots=True)
class Form:
    """What a field may hold: a test on the value and the number of periods, and how it is called."""

    fits: Callable[[Any, int], bool]
    expected: str
    required: bool = False


Shape: TypeAlias = "Form | Mapping[str, Shape] | list[Shape]"


def _number(value: Any, _: int = 0) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _series(value: Any, periods: int) -> bool:
    if isinstance(value, list):
        return len(value) == periods and all(cell is None or _number(cell) for cell in value)
    return _number(value)


NUMBER = Form(_number, "a number")
WHOLE = Form(lambda value, _: isinstance(value, int) and value >= 0, "a whole number, 0 or more")
SERIES = Form(_series, "a number, or a list with one number per period")
MUST = Form(_series, "a number, or a list with one number per period", required=True)
FLAG = Form(lambda value, _: isinstance(value, bool), "true or false")
TEXT = Form(lambda value, _: isinstance(value, str) and value != "", "a text", required=True)
ANY = Form(lambda value, _: True, "anything")
PERIODS = Form(
    lambda value, _: isinstance(value, list) and len(value) > 0, "a list of periods", required=True
)

COMMON: dict[str, Shape] = {
    **dict.fromkeys(("id", "title", "features", "note", "published", "confirmed", "explosion_order"), ANY),
    "model": TEXT,
    "periods": PERIODS,
    "scenarios": [{"id": TEXT, "set": Form(lambda value, _: _changes(value), "a list of [path, value]", True),
                   "published": ANY}],
}  # fmt: skip

MODE: dict[str, Shape] = {
    "name": TEXT,
    **dict.fromkeys(("cost", "min", "max", "setup_cost", "min_lot", "max_lot", "big_m"), SERIES),
    **{name: {"*": SERIES} for name in ("uses", "components", "setup_uses")},
    "lead_time": WHOLE,
    "integer": FLAG,
    "purchase": FLAG,
}

ITEM: dict[str, Shape] = {
    **dict.fromkeys(
        ("initial_inventory", "final_inventory_min", "final_inventory_exact", "final_backlog_max"), NUMBER
    ),
    **dict.fromkeys(("min_inventory", "max_inventory", "holding_cost", "backlog_cost"), SERIES),
    "demand": {"quantity": MUST, "unmet_cost": SERIES},
    "sales": {"*": {"price": MUST, "min": SERIES, "max": SERIES, "short_cost": SERIES}},
    "modes": [MODE],
}

SHARE: dict[str, Shape] = {"mode": TEXT, "units_per_worker": MUST}

PLAN: dict[str, Shape] = {
    **COMMON,
    "sense": Form(lambda value, _: value in {"min", "max"}, "min or max"),
    "items": {"*": ITEM},
    "resources": {
        "*": {
            "capacity": SERIES,
            "extra_capacity": [{"max": SERIES, "cost": SERIES}],
            **dict.fromkeys(("units", "hours_per_unit", "maintenance_units"), NUMBER),
        }
    },
    "workforce": {
        "resource": TEXT,
        **dict.fromkeys(
            ("hours_per_worker", "wage", "hire_cost", "fire_cost", "overtime_hours_per_worker",
             "overtime_cost", "min", "max"), SERIES
        ),
        "initial": NUMBER,
        "integer": FLAG,
        "idle_allowed": FLAG,
        "overtime_share": SHARE,
    },
    "overtime_share": SHARE,
    "storage": [{"capacity": MUST, "space": {"*": SERIES}}],
}  # fmt: skip

LOTS = ("lot_for_lot", "minimum", "multiple", "fixed")

MRP: dict[str, Shape] = {
    **COMMON,
    "items": {
        "*": {
            "on_hand": NUMBER,
            "lead_time": WHOLE,
            "gross_requirements": SERIES,
            "scheduled_receipts": SERIES,
            "components": {"*": NUMBER},
            "lot_rule": {
                "type": Form(lambda value, _: value in LOTS, f"one of {', '.join(LOTS)}", required=True),
                "quantity": NUMBER,
            },
        }
    },
}

MODELS: Mapping[str, Mapping[str, Shape]] = {"plan": PLAN, "mrp": MRP}


def read_case(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Read and check a case; returns it with the fields that the format does not know.

    Raises InputError naming the file and the field where it is no case.
    """
    try:
        case = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(reason=f"{path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(reason=f"{path}: not JSON in UTF-8 ({error})") from None
    try:
        ignored = check_case(case)
        for number, scenario in enumerate(case.get("scenarios") or []):
            _check_scenario(case, number, scenario["set"])
    except (InputError, PlanningError) as error:
        raise InputError(reason=f"{path}: {error.details.get('reason', error.message)}") from None
    return case, ignored


def _check_scenario(case: Mapping[str, Any], number: int, changes: list[Any]) -> None:
    try:
        check_case(with_changes(case, changes))
    except (InputError, PlanningError) as error:
        raise InputError(reason=f"scenarios/{number}/set: {error.details['reason']}") from None


def check_case(case: Any) -> list[str]:
    """Hold a case against the format; returns the paths of unknown fields.

    Raises InputError naming the first field that does not fit.
    """
    if not isinstance(case, dict):
        raise InputError(reason=f"expected one JSON object, found {_shown(case)}")
    shape = MODELS.get(case["model"]) if isinstance(case.get("model"), str) else None
    if shape is None:
        known = " or ".join(MODELS)
        raise InputError(reason=f"model: expected {known}, found {_shown(case.get('model'))}")
    _fit(case.get("periods"), PERIODS, "periods", 0)
    if not isinstance(case.get("items"), dict) or not case["items"]:
        raise InputError(reason=f"items: expected items by name, found {_shown(case.get('items'))}")
    return list(_walk(case, shape, "", len(case["periods"])))


def _walk(value: Any, shape: Shape, path: str, periods: int) -> Iterator[str]:
    """Check one value and all below it; yields the paths of unknown fields."""
    if isinstance(shape, Form):
        _fit(value, shape, path, periods)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise InputError(reason=f"{path}: expected a list, found {_shown(value)}")
        for number, element in enumerate(value):
            yield from _walk(element, shape[0], f"{path}/{number}", periods)
    elif not isinstance(value, dict):
        raise InputError(reason=f"{path}: expected an object, found {_shown(value)}")
    else:
        yield from _walk_fields(value, shape, path, periods)


def _walk_fields(value: dict[str, Any], shape: Mapping[str, Shape], path: str, periods: int) -> Iterator[str]:
    before = f"{path}/" if path else ""
    for name, form in shape.items():
        if isinstance(form, Form) and form.required and value.get(name) is None:
            raise InputError(reason=f"{before}{name}: expected {form.expected}, found nothing")
    for name, inner in value.items():
        known = shape.get(name, shape.get("*"))
        if known is None:
            yield f"{before}{name}"
        elif inner is not None:
            yield from _walk(inner, known, f"{before}{name}", periods)


def _fit(value: Any, form: Form, path: str, periods: int) -> None:
    if not form.fits(value, periods):
        raise InputError(reason=f"{path}: expected {form.expected}, found {_shown(value)}")


def _changes(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in value
    )


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"

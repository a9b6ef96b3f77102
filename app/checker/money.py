"""Revenue and cost by element, computed anew from quantities, prices and rates."""

from __future__ import annotations

from collections.abc import Mapping

from app.checker.capacity import hours_needed
from app.checker.demand import Routes, delivered_series
from app.checker.files import Files, Values
from app.checker.lookups import Money
from app.checker.product import Product
from app.checker.report import MONEY, Report, close

_COSTS = ("purchase", "production", "freight", "regular", "overtime")
_YEAR_DAYS = 365.0
_MONTH_DAYS = 30.0


def check_money(files: Files, product: Product, money: Money, report: Report) -> None:
    """Check the revenue of each item and customer, and the totals that plan.json states."""
    revenue = _check_revenue(files, money, report)
    totals = {"revenue": revenue, **_costs(files, product, money), **_charges(files, money)}
    totals["margin"] = revenue - sum(totals[name] for name in _COSTS)
    stated = _stated_totals(files.claims())
    if not stated:
        report.notes.append(
            "plan.json states no totals: revenue and cost were computed, and compared with nothing"
        )
    for name in sorted(set(stated) & set(totals)):
        right = close(totals[name], stated[name], MONEY)
        report.require("totals", right, (name, "", ""), totals[name], stated[name])


def _stated_totals(claims: Mapping[str, object]) -> Mapping[str, float]:
    totals = claims.get("totals")
    return {str(name): float(value) for name, value in totals.items()} if isinstance(totals, dict) else {}


def _check_revenue(files: Files, money: Money, report: Report) -> float:
    lines: dict[tuple[str, str], Values] = {}
    for (item, _, customer), delivered in delivered_series(files).items():
        line = lines.setdefault((item, customer), [0.0 for _ in files.periods])
        for index, quantity in enumerate(delivered):
            line[index] += quantity
    total = 0.0
    for item, customer in sorted({*lines, *((i, c) for i, c in files.series("revenue"))}):
        price, stated = money.selling(item, customer), files.values("revenue", (item, customer))
        delivered = lines.get((item, customer), [0.0 for _ in files.periods])
        for index in files.periods:
            worth = delivered[index] * price[index]
            where = (item, customer, str(files.buckets.open[index]))
            report.require("revenue", close(worth, stated[index], MONEY), where, worth, stated[index])
            total += worth
    return total


def _costs(files: Files, product: Product, money: Money) -> dict[str, float]:
    """Return what is spent in the open buckets by element; freight includes that to customers."""
    return {
        "purchase": sum(
            _worth(files.values("purchaseProjection", key), money.buying(key[2], key[0], key[1]))
            for key in files.series("purchaseProjection")
        ),
        "production": sum(
            _worth(files.values("productionPlan", key), money.making(key[0], key[1]))
            for key in files.series("productionPlan")
        )
        + _on_sale(files, money),
        "freight": _freight(files, money),
        **_hours(files, product, money),
    }


def _on_sale(files: Files, money: Money) -> float:
    """Return what is charged for units because they are sold."""
    routes, total = Routes(files), 0.0
    charges: dict[tuple[str, str], Values] = {}
    for place, delivered in delivered_series(files).items():
        for index, quantity in enumerate(delivered):
            route = routes.of(place, index) if quantity else None
            if route is not None:
                point = (place[0], route.site)
                if point not in charges:
                    charges[point] = money.on_sale(*point)
                total += quantity * charges[point][index]
    return total


def _freight(files: Files, money: Money) -> float:
    total = sum(
        _worth(files.values("transfers", key), money.freight(key[1], key[2], key[0]))
        for key in files.series("transfers")
    )
    routes = Routes(files)
    for place, delivered in delivered_series(files).items():
        for index, quantity in enumerate(delivered):
            route = routes.of(place, index) if quantity else None
            if route is not None and route.lane is not None:
                total += quantity * money.freight(route.site, place[1], place[0])[index]
    return total


def _hours(files: Files, product: Product, money: Money) -> dict[str, float]:
    needed = hours_needed(files, product)
    regular = overtime = 0.0
    for resource, hours in needed.items():
        extra = files.values("overtime", (resource,))
        overtime += _worth(extra, money.hour(resource, "overtime_cost"))
        regular += _worth(
            [load - over for load, over in zip(hours, extra, strict=True)], money.hour(resource, "cost")
        )
    return {"regular": regular, "overtime": overtime}


def _charges(files: Files, money: Money) -> dict[str, float]:
    """Return what the planning rules charge: stock held and missing, demand late and not supplied."""
    holding, safety = files.number("holding_rate") / _YEAR_DAYS, files.number("safety_cost") / _MONTH_DAYS
    days = [float(bucket.days) for bucket in files.buckets.open]
    charges = {"holding": 0.0, "safety": 0.0}
    for item, site in {*files.series("projectedBalance"), *files.series("safetyStock")}:
        worth = [value * each for value, each in zip(money.stock_value(item, site), days, strict=True)]
        held, wanted = (files.values(name, (item, site)) for name in ("projectedBalance", "safetyStock"))
        missing = [max(target - balance, 0.0) for target, balance in zip(wanted, held, strict=True)]
        charges["holding"] += holding * _worth(held, worth)
        charges["safety"] += safety * _worth(missing, worth)
    per_month = [each / _MONTH_DAYS for each in days]
    charges["lateness"] = _penalty(files, money, "backlog", "late_cost", per_month)
    charges["shortfall"] = _penalty(files, money, "unmetDemand", "short_cost", [1.0] * len(days))
    return charges


def _penalty(files: Files, money: Money, measure: str, share: str, rate: Values) -> float:
    """Return quantity x price x the share of the customer's class x rate, over all places."""
    shares = {row["class"]: row[share] for row in files.rows("service_class")}
    class_of = {row["customer"]: row["class"] for row in files.rows("customer")}
    total = 0.0
    for item, site, customer in files.series(measure):
        price = money.selling(item, customer)
        charged = [each * days for each, days in zip(price, rate, strict=True)]
        total += _worth(files.values(measure, (item, site, customer)), charged) * shares.get(
            class_of.get(customer), 0.0
        )
    return total


def _worth(quantities: Values, prices: Values) -> float:
    return sum(quantity * price for quantity, price in zip(quantities, prices, strict=True))

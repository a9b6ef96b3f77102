"""Production, purchases and transfers: allowed, in time, within their limits, in whole lots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from app.checker.files import Files, Row, Values
from app.checker.lookups import Units, valid
from app.checker.report import ABSOLUTE, Report, at_most, close

_PERIOD_DAYS = 30.0


def check_production(files: Files, units: Units, report: Report) -> None:
    """Check each start of production: a valid source, the planner's firm quantity, whole lots.

    Firm production that could not be made gives way in the plan; it is noted, as the plan itself notes it.
    """
    for item, site in sorted({*files.series("productionPlan"), *files.series("firmPlanned")}):
        firm = files.stated("firmPlanned", (item, site))
        for index, quantity in enumerate(files.values("productionPlan", (item, site))):
            where = (item, site, str(files.buckets.open[index]))
            row = production_row(files, item, site, index)
            fixed = firm[index]
            if row is not None and fixed is not None:
                report.require("firm planned", at_most(quantity, fixed), where, fixed, quantity)
                if not close(quantity, fixed):
                    report.notes.append(
                        f"firm production gave way: {' '.join(where)}: {quantity:g} of {fixed:g}"
                    )
            elif quantity:
                report.require("production source", row is not None, where, "a valid source", quantity)
                lot = units.lot_of(item) if row is None else row["lot_multiple"] or units.lot_of(item)
                _check_lot(report, "production lot", where, quantity, lot)


def production_row(files: Files, item: str, site: str, index: int) -> Row | None:
    """Return the row that lets the item be made at the site in an open bucket."""
    rows = files.matching("production", item=item, site=site)
    return next((row for row in reversed(rows) if valid(row, files.buckets.open[index])), None)


def check_purchases(files: Files, units: Units, report: Report) -> None:
    """Check each purchase: a supplier that is in time, whole purchase lots, the supplier's promise."""
    for supplier, item, site in _purchases(files):
        rows = _offers(files, supplier, item, site)
        for index, quantity in enumerate(files.values("purchaseProjection", (item, site, supplier))):
            if quantity:
                where = (item, f"{site} from {supplier}", str(files.buckets.open[index]))
                offered = [row for row in rows if valid(row, files.buckets.open[index])]
                report.require("purchase source", bool(offered), where, "a valid offer", quantity)
                lead = min((row["lead_time_days"] for row in offered), default=0.0)
                in_time = files.buckets.offset(index) >= lead
                report.require(
                    "purchase lead time", in_time, where, f"nothing before {lead:g} days", quantity
                )
                lots = [_purchase_lot(units, row) for row in offered]
                _check_lot(report, "purchase lot", where, quantity, min(lots, default=0.0))
                _check_promise(files, report, (item, site, supplier), index)
    _check_contracts(files, report)
    _check_supplier_capacity(files, report)


def _purchases(files: Files) -> list[tuple[str, str, str]]:
    return sorted((supplier, item, site) for item, site, supplier in files.series("purchaseProjection"))


def _offers(files: Files, supplier: str, item: str, site: str) -> list[Row]:
    rows = files.matching("supplier_item", supplier=supplier, item=item)
    return [row for row in rows if row["site"] in {None, site}]


def _purchase_lot(units: Units, row: Row) -> float:
    """Return what a purchase is a multiple of, in base units."""
    size = units.in_base(row["item"], row["unit"])
    if size is None:
        return units.lot_of(row["item"])
    return float((row["order_multiple"] or units.lot(row["unit"])) * size)


def _check_promise(files: Files, report: Report, key: tuple[str, str, str], index: int) -> None:
    """Check that no more is bought than the supplier promised; a declined bucket is a promise of nothing."""
    item, site, supplier = key
    promises = files.stated("supplierCommit", key)
    promise = promises[index]
    begin, end = files.number("commit_from_days"), files.number("commit_to_days")
    asked = begin <= files.buckets.offset(index) < end
    answered = any(each is not None for each in promises)
    if promise is None and answered and asked and files.parameters.get("unanswered_commit") == "none":
        promise = 0.0
    if promise is not None:
        quantity = files.values("purchaseProjection", key)[index]
        where = (item, f"{site} from {supplier}", str(files.buckets.open[index]))
        report.require("supplier commit", at_most(quantity, promise), where, f"at most {promise:g}", quantity)


def _check_contracts(files: Files, report: Report) -> None:
    """Check the most that a contract row allows per 30 days over the sites that it serves.

    What a site buys under a row of its own counts there; only what that row does not allow counts against
    the row for all sites.
    """
    for row in files.rows("supplier_item"):
        if row["max_quantity_per_period"] is None:
            continue
        bought = _bought(files, row)
        for index, bucket in enumerate(files.buckets.open):
            if bought[index] and valid(row, bucket):
                most = row["max_quantity_per_period"] * bucket.days / _PERIOD_DAYS
                where = (row["item"], f"{row['site'] or 'all sites'} from {row['supplier']}", str(bucket))
                report.require(
                    "contract maximum",
                    at_most(bought[index], most),
                    where,
                    f"at most {most:g}",
                    bought[index],
                )


def _bought(files: Files, row: Row) -> Values:
    """Return what is bought under a row; sites that have both kinds of row are left to their own row."""
    supplier, item = row["supplier"], row["item"]
    own = {each["site"] for each in files.matching("supplier_item", supplier=supplier, item=item)}
    lines = [
        files.values("purchaseProjection", key)
        for key in files.series("purchaseProjection")
        if (key[0], key[2]) == (item, supplier)
        and (key[1] == row["site"] or (row["site"] is None and key[1] not in own))
    ]
    return added(lines, len(files.buckets.open))


def _check_supplier_capacity(files: Files, report: Report) -> None:
    """Check what a supplier says it can deliver of an item, to all sites together."""
    for (item, supplier), stated in sorted(files.series("supplierCapacity").items()):
        keys = [key for key in files.series("purchaseProjection") if (key[0], key[2]) == (item, supplier)]
        bought = added((files.values("purchaseProjection", key) for key in keys), len(stated))
        for index, most in enumerate(stated):
            if most is not None:
                where = (item, f"all sites from {supplier}", str(files.buckets.open[index]))
                report.require(
                    "supplier capacity",
                    at_most(bought[index], most),
                    where,
                    f"at most {most:g}",
                    bought[index],
                )


def check_transfers(files: Files, units: Units, report: Report) -> None:
    """Check each transfer: a valid lane, whole units, and the most that the lane carries."""
    carried: dict[tuple[str, str, str], Values] = {}
    for (item, origin, target), _ in sorted(files.series("transfers").items()):
        for index, quantity in enumerate(files.values("transfers", (item, origin, target))):
            if quantity:
                where = (item, f"{origin} to {target}", str(files.buckets.open[index]))
                row = lane_row(files, item, origin, target, index)
                report.require("transfer lane", row is not None, where, "a valid lane", quantity)
                _check_lot(report, "transfer lot", where, quantity, units.lot_of(item))
                if row is not None and row["max_quantity_per_day"] is not None:
                    line = carried.setdefault(
                        (row["item"] or "", origin, target), [0.0] * len(files.buckets.open)
                    )
                    line[index] += quantity
    for (item, origin, target), line in carried.items():
        for index, quantity in enumerate(line):
            row = lane_row(files, item, origin, target, index)
            if row is not None and row["max_quantity_per_day"] is not None:
                most = row["max_quantity_per_day"] * files.buckets.open[index].days
                where = (item, f"{origin} to {target}", str(files.buckets.open[index]))
                report.require("lane maximum", at_most(quantity, most), where, f"at most {most:g}", quantity)


def lane_row(files: Files, item: str, origin: str, target: str, index: int) -> Row | None:
    """Return the lane of an item in an open bucket: its own row where it has any, else all items'."""
    lane = {"from_site": origin, "to_site": target}
    rows = files.matching("lane", **lane, item=item) or files.matching("lane", **lane, item=None)
    return next((row for row in reversed(rows) if valid(row, files.buckets.open[index])), None)


def _check_lot(report: Report, rule: str, where: tuple[str, str, str], quantity: float, lot: float) -> None:
    """Check that a quantity is a positive multiple of its lot; a lot of 0 is divisible."""
    if lot:
        rest = abs(quantity / lot - round(quantity / lot)) * lot
        report.require(rule, rest <= ABSOLUTE, where, f"a multiple of {lot:g}", quantity)
    report.require("no negative quantity", quantity >= 0, where, "0 or more", quantity)


def added(lines: Iterable[Values], length: int) -> Values:
    """Return the sum of series, bucket by bucket."""
    total: dict[int, float] = defaultdict(float)
    for line in lines:
        for index, value in enumerate(line):
            total[index] += value
    return [total[index] for index in range(length)]

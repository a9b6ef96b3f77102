"""Hours: what the plan needs by its routings, what it says it needs, and what there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

from app.checker.buckets import Bucket
from app.checker.files import Files, Row, Values
from app.checker.product import Product
from app.checker.report import Report, at_most, close


def check_capacity(files: Files, product: Product, report: Report) -> None:
    """Check stated hours against the routings, and hours needed against hours offered."""
    needed = hours_needed(files, product)
    for resource in sorted(row["resource"] for row in files.rows("resource")):
        required, overtime, extra = (
            files.values(measure, (resource,))
            for measure in ("capacityRequired", "overtime", "overtimeAvailable")
        )
        available = files.stated("capacityAvailable", (resource,))
        for index in files.periods:
            where = ("", resource, str(files.buckets.open[index]))
            load, offered = needed[resource][index], available[index]
            report.require("hours by routing", close(load, required[index]), where, load, required[index])
            within = at_most(overtime[index], extra[index])
            report.require("overtime", within, where, f"at most {extra[index]:g}", overtime[index])
            if offered is not None:
                most = offered + overtime[index]
                report.require("capacity", at_most(load, most), where, f"at most {most:g}", load)
    _check_offer(files, report)


def hours_needed(files: Files, product: Product) -> dict[str, Values]:
    """Return the hours of each resource by the routings of what is started."""
    hours: dict[str, Values] = defaultdict(lambda: [0.0 for _ in files.periods])
    for item, site in files.series("productionPlan"):
        for index, quantity in enumerate(files.values("productionPlan", (item, site))):
            if quantity:
                for resource, each in product.needs(item, site, index)[1].items():
                    hours[resource][index] += quantity * each
    return hours


def _check_offer(files: Files, report: Report) -> None:
    """Note where the hours offered are not those of the working calendar; a department may submit others."""
    differing = []
    for resource in files.rows("resource"):
        stated = files.stated("capacityAvailable", (resource["resource"],))
        for bucket, hours in zip(files.buckets.open, stated, strict=True):
            by_calendar = calendar_hours(files, resource, bucket)
            if hours is not None and by_calendar is not None and not close(hours, by_calendar):
                differing.append(f"{resource['resource']} {bucket} ({hours:g}, by calendar {by_calendar:g})")
    if differing:
        report.notes.append(f"hours that are not those of the working calendar: {', '.join(differing[:10])}")


def calendar_hours(files: Files, resource: Row, bucket: Bucket) -> float | None:
    """Return regular hours = hours per day x days of the basis x efficiency x target; None if not stated."""
    rows = [row for row in files.rows("capacity") if row["resource"] == resource["resource"]]
    closed = {r["date"] for r in files.rows("holiday") if r["site"] in {None, resource["site"]}}
    total, stated = 0.0, False
    for day in _days(bucket):
        for row in rows:
            begin, end = row["valid_from"], row["valid_to"]
            if (begin is None or begin <= day) and (end is None or day < end):
                stated = True
                works = row["day_basis"] == "calendar" or (day.weekday() < 5 and day not in closed)
                total += row["hours_per_day"] if works else 0.0
    share = float(resource["efficiency"]) * float(resource["utilization_target"])
    return total * share if stated else None


def _days(bucket: Bucket) -> Iterator[date]:
    return (bucket.start + timedelta(days=number) for number in range(bucket.days))

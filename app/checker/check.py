"""All checks of one exported plan."""

from __future__ import annotations

from pathlib import Path

from app.checker.capacity import check_capacity
from app.checker.demand import check_demand
from app.checker.files import Files
from app.checker.lookups import Units
from app.checker.money import check_money
from app.checker.product import Product
from app.checker.report import Report
from app.checker.standards import money_of
from app.checker.stock import check_stock
from app.checker.supply import check_production, check_purchases, check_transfers


def check_plan(directory: Path) -> Report:
    """Check the plan in a dataset directory, and return everything that is wrong with it.

    Raises InputError where the directory cannot be read as a dataset.
    """
    files, report = Files(directory), Report()
    units, product = Units(files), Product(files)
    check_production(files, units, report)
    check_purchases(files, units, report)
    check_transfers(files, units, report)
    check_stock(files, product, report)
    check_capacity(files, product, report)
    check_demand(files, report)
    check_money(files, product, money_of(files, units, product), report)
    return report

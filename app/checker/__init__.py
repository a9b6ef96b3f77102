"""The independent checker: whether an exported plan can be carried out, and adds up.

Plain Python over the files of a dataset directory. It shares no code with what it checks (no engine, no
services, no exchange), so a mistake made there is not made here again.

- `report`     violations, counts, the report as text
- `files`      CSV files into typed rows and series over the open buckets
- `buckets`    the calendar
- `lookups`    rows valid in a bucket, units, prices
- `standards`  the same money where the company reckons with standard costs
- `product`    what a unit made draws and how long it takes, phantoms exploded
- `supply`     production, purchases, transfers: allowed, in time, within limits, in whole lots
- `stock`      receipts under way, the balance of every item, site and bucket
- `capacity`   hours against what the resources offer
- `demand`     deliveries, backlog and what is not supplied against net demand
- `money`      revenue and cost against the stated totals
- `check`      all of them
"""

from app.checker.check import check_plan
from app.checker.report import Report, Violation

__all__ = ["Report", "Violation", "check_plan"]

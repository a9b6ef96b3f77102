"""Buckets of a calendar: half-open ranges of days of unequal length."""

from datetime import date

import strawberry


@strawberry.type(description="A range of days, the unit in which a plan counts time.")
class Bucket:
    """Serves any object with these attributes, such as `app.vocabulary.Bucket`."""

    ordinal: int = strawberry.field(description="Place in the calendar, counted from 0.")
    start: date = strawberry.field(description="First day.")
    end: date = strawberry.field(description="First day after it.")
    days: int = strawberry.field(description="Length in calendar days.")


@strawberry.type(description="The buckets of a plan, in order and without gaps.")
class Calendar:
    """Serves `app.vocabulary.Calendar`."""

    plan_date: date = strawberry.field(
        description="First day of the first open bucket; earlier buckets hold actuals and are read-only."
    )
    first_open: int = strawberry.field(description="Ordinal of the first open bucket.")
    buckets: list[Bucket] = strawberry.field(description="All buckets, oldest first.")

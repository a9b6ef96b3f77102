"""`access`: who sees and does what, as the policies say it."""

from __future__ import annotations

from app.access import load
from app.access.matrix import render
from app.cli.output import command, say


@command
def access() -> None:
    """Print the matrix of roles, measures, reference data and actions (docs/access.md).

    Example: python -m app access
    """
    say(render(load()))

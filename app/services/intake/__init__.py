"""Taking the inbox in: each submission becomes one commit on main, or is rejected with a reason.

`take_in` does the work; `changes` says, as pure functions, what a submission sets in the plan.
"""

from app.services.intake.taking import Outcome, take_in

__all__ = ["Outcome", "take_in"]

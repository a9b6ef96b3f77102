"""Carries work out over components: executor, cache, time limit, progress and cancellation (rule 32)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.engine.cache import Cache
from app.engine.component import Result
from app.engine.network import Part, digest
from app.engine.problem import FloatArray
from app.errors import PlanCancelled

Progress = Callable[[int, int, str], None]
Cancelled = Callable[[], bool]


class Executor(Protocol):
    """What is needed of an executor: the `map` of `concurrent.futures`."""

    def map(self, fn: Callable[..., Any], /, *iterables: Iterable[Any]) -> Iterator[Any]:
        """Apply `fn` to the items in order."""


@dataclass(slots=True)
class Runner:
    """One call's time limit (seconds of the solver), cache, executor, progress and cancellation."""

    limit: float
    cache: Cache[Result] | None = None
    executor: Executor | None = None
    progress: Progress | None = None
    cancelled: Cancelled | None = None
    cached: int = 0  # components answered from the cache so far
    spent: float = 0.0  # solver seconds so far

    @property
    def left(self) -> float:
        """Seconds left."""
        return max(self.limit - self.spent, 0.0)

    def report(self, done: int, total: int, text: str) -> None:
        """Say how far the call is; raises PlanCancelled when it is no longer wanted."""
        if self.cancelled is not None and self.cancelled():
            raise PlanCancelled
        if self.progress is not None:
            self.progress(done, total, text)

    def run(self, work: Callable[..., Result], parts: Sequence[Part], *fixed: FloatArray) -> list[Result]:
        """Answer `work(problem, *fixed, seconds)` for every component, in order.

        Equal components are answered once, known ones by the cache; only optima are kept there.
        """
        tag = work.__name__
        keys = [digest(part.problem, tag, *(array.tobytes().hex() for array in fixed)) for part in parts]
        known = {key: answer for key in set(keys) if (answer := self._recall(key)) is not None}
        self.cached += sum(key in known for key in keys)
        fresh = {key: part.problem for key, part in zip(keys, parts, strict=True) if key not in known}
        self.report(0, len(fresh), tag)
        mapped = self.executor.map if self.executor is not None and len(fresh) > 1 else map
        seconds = (self.left for _ in fresh)  # without an executor each item sees what the last one left
        answers = mapped(work, fresh.values(), *([item] * len(fresh) for item in fixed), seconds)
        for done, (key, answer) in enumerate(zip(fresh, answers, strict=True), start=1):
            known[key] = answer
            self.spent += answer.seconds
            if self.cache is not None and answer.verdict == "optimal":
                self.cache.put(key, answer)
            self.report(done, len(fresh), tag)
        return [known[key] for key in keys]

    def each(
        self, work: Callable[..., Result], parts: Sequence[Part], own: Sequence[object], *fixed: FloatArray
    ) -> list[Result]:
        """Answer `work(problem, own, *fixed, seconds)` for every component; nothing is kept."""
        self.report(0, len(parts), work.__name__)
        mapped = self.executor.map if self.executor is not None and len(parts) > 1 else map
        problems, seconds = (part.problem for part in parts), (self.left for _ in parts)
        answers = []
        for answer in mapped(work, problems, own, *([item] * len(parts) for item in fixed), seconds):
            self.spent += answer.seconds
            answers.append(answer)
            self.report(len(answers), len(parts), work.__name__)
        return answers

    def _recall(self, key: bytes) -> Result | None:
        return self.cache.get(key) if self.cache is not None else None

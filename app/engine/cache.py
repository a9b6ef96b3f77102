"""Answers by content: a component that did not change is not solved again (rule 32)."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Cache(Generic[Answer]):
    """A bounded map from content hash to answer; the least recently used answer goes first. Thread-safe."""

    def __init__(self, capacity: int = 20_000) -> None:
        """Keep at most `capacity` answers."""
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()
        self._capacity = capacity
        self._lock = Lock()

    def get(self, key: bytes) -> Answer | None:
        """Return the answer for this content, or None."""
        with self._lock:
            answer = self._answers.get(key)
            if answer is not None:
                self._answers.move_to_end(key)
            return answer

    def put(self, key: bytes, answer: Answer) -> None:
        """Keep an answer for this content."""
        with self._lock:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while len(self._answers) > self._capacity:
                self._answers.popitem(last=False)

    def __len__(self) -> int:
        return len(self._answers)

"""Answers as two servers are compared by: all of them, but for what the rules below put aside.

1. `date` and `server`: the headers of the network server, which know nothing of the database.
2. A moment after the start of the play is written as `<now>`: both servers have a clock of their own.
   Moments from before were given to both databases, and are compared.
3. Numbers of runs are random (UUID, version 4): an id of a run that was asked for during the play is
   written as `<run n>`, n counting the new runs in the order in which this server named them.
4. `sealedHash` of a version published during the play is written as `<seal>`, or as the seal of the version
   that both databases were given of the same state: the policies release a hash over the whole plan to those
   who may read it (docs/isolation.md says what follows).

Where a rule applied, the header `content-length` is put aside too; everything else is compared byte by byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx2 as httpx
import orjson

from app.errors import BadId
from schema.ids import IdCodec
from tests.isolation.companies import RUNS

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_TEXT = re.compile(rb'"([A-Za-z0-9_:.+-]{20,200})"')
_SEAL = re.compile(rb'"sealedHash":"([0-9a-f]{64})"')
_UNCOMPARED = frozenset({"date", "server"})


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body after the rules."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Reader:
    """Reads one server's answers to one principal."""

    ids: IdCodec
    since: datetime
    seals: Mapping[str, str]
    runs: dict[str, str] = field(default_factory=dict)

    def read(self, response: httpx.Response) -> Answer:
        """Return an answer as it is compared."""
        body = _SEAL.sub(self._seal, _TEXT.sub(self._text, response.content))
        headers = {name.lower(): value for name, value in response.headers.items()}
        put_aside = body != response.content or _SEAL.search(response.content) is not None
        for name in _UNCOMPARED | ({"content-length"} if put_aside else frozenset()):
            headers.pop(name, None)
        return Answer(response.status_code, headers, body)

    def _text(self, found: re.Match[bytes]) -> bytes:
        text = found[1].decode()
        if _MOMENT.fullmatch(text):
            moment = datetime.fromisoformat(text)
            return b'"<now>"' if moment.replace(tzinfo=moment.tzinfo or UTC) >= self.since else found[0]
        try:
            kind, key = self.ids.decode_any(text)
        except BadId:
            return found[0]
        if kind != "Run" or key in {str(run) for run in RUNS}:
            return found[0]
        return f'"{self.runs.setdefault(key, f"<run {len(self.runs) + 1}>")}"'.encode()

    def _seal(self, found: re.Match[bytes]) -> bytes:
        return f'"sealedHash":"{self.seals.get(found[1].decode(), "<seal>")}"'.encode()


def data_of(response: httpx.Response) -> object:
    """Return the JSON of a body, None for another kind of body."""
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None

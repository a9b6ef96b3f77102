"""The media type of an answer, from the Accept header (RFC 9110 §12.5.1, GraphQL over HTTP §6.4)."""

from __future__ import annotations

from app.errors import NotAcceptable

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
OFFERED = (GRAPHQL_RESPONSE, JSON)
"""In our order of preference."""


def response_type(accept: str | None) -> str:
    """Return the media type to answer in; raises NotAcceptable where the caller takes neither.

    Without a header, and for `*/*`, that is application/graphql-response+json, whose status tells whether the
    request was executed.
    """
    ranges = _ranges(accept or "*/*")
    quality = {offered: _quality(offered, ranges) for offered in OFFERED}
    best = max(OFFERED, key=lambda offered: quality[offered])
    if quality[best] <= 0:
        raise NotAcceptable(offered=" or ".join(OFFERED))
    return best


def prefers_html(accept: str | None) -> bool:
    """Return whether a page is asked for by name, as browsers do."""
    return _ranges(accept or "").get("text/html", 0.0) > 0


def _ranges(accept: str) -> dict[str, float]:
    """Return each media range with its quality; what cannot be read has none."""
    ranges: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name:
            ranges[name] = max(ranges.get(name, 0.0), _weight(parameters))
    return ranges


def _weight(parameters: list[str]) -> float:
    """Return the value of the parameter q, 1 where there is none, 0 where it cannot be read."""
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _quality(offered: str, ranges: dict[str, float]) -> float:
    """Return the quality of the most specific range that covers what is offered."""
    for name in (offered, f"{offered.split('/', 1)[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0

"""The names and limits that the issuer and the validator of access tokens share (RFC 9068 and our own)."""

TOKEN_TYPE = "at+jwt"  # noqa: S105  a media type, not a secret
"""The `typ` of an access token: what tells it from an ID token signed by the same key."""

AUDIENCE_CLAIM = "concord_audience"
ROLE_CLAIM = "concord_role"
PARTY_CLAIM = "concord_party"

MAX_TEXT = 200
"""Longest subject, role, party and token id, in characters."""
FAMILY_MARK = "."
"""What stands in a token's `jti` between the family it belongs to, if any, and its own id."""


def family_of(token_id: str) -> str | None:
    """Return the family of a token of the built-in issuer, None for one that belongs to none."""
    family, mark, _ = token_id.partition(FAMILY_MARK)
    return family if mark else None

"""The names and limits that the issuer and the validator of access tokens share (RFC 9068 and our own)."""

TOKEN_TYPE = "at+jwt"  # noqa: S105  a media type, not a secret
"""The `typ` of an access token: what tells it from an ID token signed by the same key."""

AUDIENCE_CLAIM = "concord_audience"
ROLE_CLAIM = "concord_role"
PARTY_CLAIM = "concord_party"

MAX_TEXT = 200
"""Longest subject, role, party and token id, in characters."""

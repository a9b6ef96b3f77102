"""Public keys that verify signatures: which algorithm fits which key, and where the keys of an issuer are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, OKPKey, RSAKey

from app.auth.strict import RefusedError

PublicKey = RSAKey | ECKey | OKPKey

ALGORITHMS: Final[Mapping[str, tuple[str, str | None]]] = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}
"""Signature algorithms an issuer may be configured with → type and curve of its keys. No shared secrets."""

MAX_KEYS: Final = 100
_MAX_KID = 200
_RSA_BITS = range(2048, 8193)
_TYPES: Final[Mapping[str, type[RSAKey] | type[ECKey] | type[OKPKey]]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
_MEMBERS = ("kty", "n", "e", "crv", "x", "y")
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the algorithms that it may be used with (never none of them)."""

    key: PublicKey
    algorithms: frozenset[str]

    def verify(self, token: str, algorithm: str) -> None:
        """Raise JoseError or RefusedError unless the key made the token's signature with this algorithm."""
        if algorithm not in self.algorithms:
            raise RefusedError("an algorithm that is not the key's")
        jws.deserialize_compact(token, self.key, registry=_OneAlgorithm(algorithm))


class _OneAlgorithm(jws.JWSRegistry):
    """Lets joserfc verify with one algorithm; header parameters were checked by our own rules."""

    def __init__(self, algorithm: str) -> None:
        super().__init__(algorithms=[algorithm], strict_check_header=False)

    def get_alg(self, name: str) -> JWSAlgModel:
        """Return the algorithm if it is the one; no warning for EdDSA, as most providers call Ed25519."""
        if self.allowed is None or name not in self.allowed:
            raise RefusedError("another algorithm")
        return self.algorithms[name]


class KeySource(Protocol):
    """The verification keys of one issuer, by key id."""

    def known(self, kid: str) -> VerificationKey | None:
        """Return a key that is at hand, None where there is none; never waits."""

    async def find(self, kid: str) -> VerificationKey | None:
        """Return a key, after asking the issuer for it where that is due; waits for a bounded time."""


@dataclass(frozen=True, slots=True)
class FixedKeys:
    """Keys that are there from the start: those of the local issuer."""

    keys: Mapping[str, VerificationKey]

    def known(self, kid: str) -> VerificationKey | None:
        """Return the key with this id."""
        return self.keys.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        """Return the key with this id."""
        return self.keys.get(kid)


def read_key_set(document: Mapping[str, object], accepted: Collection[str]) -> dict[str, VerificationKey]:
    """Return the usable keys of a JSON Web Key Set (RFC 7517) by key id.

    Keys for another use or algorithm, weak ones, and those without an id are left out, as §5 asks; of two
    keys with one id neither is taken. Raises ValueError for what is no key set.
    """
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise ValueError(f"no list of at most {MAX_KEYS} keys")
    read: dict[str, VerificationKey] = {}
    twice: set[str] = set()
    for jwk in listed:
        kid = jwk.get("kid") if isinstance(jwk, dict) else None
        if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID:
            continue
        key = _usable(jwk, accepted)
        if key is not None:
            twice |= {kid} & read.keys()
            read[kid] = key
    return {kid: key for kid, key in read.items() if kid not in twice}


def _usable(jwk: Mapping[str, object], accepted: Collection[str]) -> VerificationKey | None:
    """Return the key if it may verify with one of the accepted algorithms.

    Only the members of the public key itself are looked at: certificates and addresses in it are not.
    """
    operations = jwk.get("key_ops")
    if jwk.get("use", "sig") != "sig":
        return None
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return None
    if _PRIVATE & jwk.keys():  # a key whose private half was published is anybody's
        return None
    algorithms = frozenset(
        name
        for name in accepted
        if ALGORITHMS[name] in ((jwk.get("kty"), None), (jwk.get("kty"), jwk.get("crv")))
        and jwk.get("alg", name) == name
    )
    if not algorithms:
        return None
    try:
        members = {name: jwk[name] for name in _MEMBERS if name in jwk}
        key = _TYPES[str(jwk["kty"])].import_key(members)  # type: ignore[arg-type]  # checked by joserfc
        strong = not isinstance(key, RSAKey) or key.public_key.key_size in _RSA_BITS
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return VerificationKey(key, algorithms) if strong else None

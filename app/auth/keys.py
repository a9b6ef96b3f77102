"""The local key set: the first key signs, all of them verify, a replaced one until its overlap ends."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.auth.private_files import private_file, replace_private_file
from app.config import Settings
from app.errors import ConfigurationError, InputError

ALGORITHM = "ES256"
_CURVE = "P-256"
_UNTIL: Final = "verify_until"
"""Member of a stored key that was replaced: when it ceases to verify, in seconds since 1970-01-01 UTC."""


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The private key that signs, its id, and the public key of each id in the set.

    `verify_until` holds, for keys that were replaced, when they cease to verify (seconds since 1970).
    """

    kid: str
    private: ECKey
    public: Mapping[str, ECKey]
    verify_until: Mapping[str, int] = field(default_factory=dict)

    def verifying(self, kid: str, now: float) -> ECKey | None:
        """Return the public key with this id if it still verifies."""
        return self.public.get(kid) if now < self.verify_until.get(kid, now + 1) else None


def keys_path(settings: Settings) -> Path:
    """Return where the key set lies."""
    return settings.keys_directory / "signing.json"


def load_signing_keys(settings: Settings) -> SigningKeys:
    """Return the key set in CONCORD_HOME/keys/signing.json, created on first use."""
    path = keys_path(settings)
    return _parse(_read(private_file(path, _new_key_set), path), path)


def rotate_signing_keys(settings: Settings, overlap: int, *, now: float | None = None) -> SigningKeys:
    """Let a new key sign from now on; return the new set.

    The one that signed goes on verifying for `overlap` seconds; keys whose time has passed are deleted.
    Servers that run follow the file, so nothing has to be restarted.
    """
    if overlap < 0:
        raise InputError(reason="the overlap is a number of seconds, 0 or more")
    moment = int(time.time() if now is None else now)
    path = keys_path(settings)
    stored = _read(private_file(path, _new_key_set), path)
    _parse(stored, path)  # a broken set is refused, not rotated
    replaced = [{_UNTIL: moment + overlap, **key} for key in stored]
    kept = [key for key in replaced if key[_UNTIL] > moment]
    contents = _write([_new_key(), *kept])
    replace_private_file(path, contents)
    return _parse(_read(contents, path), path)


def _new_key_set() -> bytes:
    """Return a JSON Web Key Set of one new private key."""
    return _write([_new_key()])


def _new_key() -> dict[str, Any]:
    parameters = {"kid": secrets.token_urlsafe(12), "use": "sig", "alg": ALGORITHM}
    return dict(ECKey.generate_key(_CURVE, parameters).as_dict(private=True))  # type: ignore[arg-type]  # any


def _write(keys: list[dict[str, Any]]) -> bytes:
    return json.dumps({"keys": keys}, indent=1).encode()


def _read(contents: bytes, path: Path) -> list[dict[str, Any]]:
    """Return the stored keys of a JSON Web Key Set."""
    try:
        return [dict(key) for key in json.loads(contents)["keys"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(reason=f"{path} is not a set of signing keys") from error


def _parse(stored: list[dict[str, Any]], path: Path) -> SigningKeys:
    """Turn stored keys into private P-256 keys, each with an id of its own; the first one signs."""
    try:
        keys = [ECKey.import_key({name: key[name] for name in key if name != _UNTIL}) for key in stored]
        until = {str(key["kid"]): int(key[_UNTIL]) for key in stored if _UNTIL in key}
    except (ValueError, KeyError, TypeError, JoseError) as error:
        raise ConfigurationError(reason=f"{path} is not a set of signing keys") from error
    if not keys or not all(key.kid and key.curve_name == _CURVE and key.is_private for key in keys):
        raise ConfigurationError(reason=f"{path} must hold private {_CURVE} keys, each with a kid")
    public = {key.kid: ECKey.import_key(key.as_dict(private=False)) for key in keys if key.kid}
    if len(public) != len(keys):
        raise ConfigurationError(reason=f"{path} holds two keys with one kid")
    return SigningKeys(kid=str(keys[0].kid), private=keys[0], public=public, verify_until=until)

"""The local key set: the first key signs, all of them verify."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.auth.private_files import private_file
from app.config import Settings
from app.errors import ConfigurationError

ALGORITHM = "ES256"
_CURVE = "P-256"


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The private key that signs, its id, and the public key of each id that is accepted."""

    kid: str
    private: ECKey
    public: Mapping[str, ECKey]


def load_signing_keys(settings: Settings) -> SigningKeys:
    """Return the key set in CONCORD_HOME/keys/signing.json, created on first use."""
    path = settings.keys_directory / "signing.json"
    return _parse(private_file(path, _new_key_set), path)


def _new_key_set() -> bytes:
    """Return a JSON Web Key Set of one new private key."""
    key = ECKey.generate_key(_CURVE, {"kid": secrets.token_urlsafe(12), "use": "sig", "alg": ALGORITHM})
    return json.dumps({"keys": [key.as_dict(private=True)]}, indent=1).encode()


def _parse(contents: bytes, path: Path) -> SigningKeys:
    """Read a JSON Web Key Set of private P-256 keys, each with an id of its own."""
    try:
        keys = [ECKey.import_key(key) for key in json.loads(contents)["keys"]]
    except (ValueError, KeyError, TypeError, JoseError) as error:
        raise ConfigurationError(reason=f"{path} is not a set of signing keys") from error
    if not keys or not all(key.kid and key.curve_name == _CURVE and key.is_private for key in keys):
        raise ConfigurationError(reason=f"{path} must hold private {_CURVE} keys, each with a kid")
    public = {key.kid: ECKey.import_key(key.as_dict(private=False)) for key in keys if key.kid}
    if len(public) != len(keys):
        raise ConfigurationError(reason=f"{path} holds two keys with one kid")
    return SigningKeys(kid=str(keys[0].kid), private=keys[0], public=public)

"""The directory of keys in one file, sealed by a passphrase: whoever holds the keys can be anybody.

The file is a compact JWE (RFC 7516): A256GCM under a key that PBES2-HS512+A256KW derives from the passphrase.
In it is every file of `CONCORD_HOME/keys`, by its name.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from pathlib import Path
from typing import Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from app.auth.keys import load_signing_keys
from app.auth.private_files import new_private_file, private_directory
from app.config import Settings
from app.errors import InputError

SHORTEST_PASSPHRASE: Final = 15
ROUNDS: Final = 210_000
"""Of PBKDF2 with SHA-512: what OWASP's password storage cheat sheet gives (2024); 80 ms."""
LARGEST_FILE: Final = 1 << 20

_ALGORITHMS: Final = ["PBES2-HS512+A256KW", "A256GCM"]
_HEADER: Final = {"alg": _ALGORITHMS[0], "enc": _ALGORITHMS[1], "p2c": ROUNDS, "typ": "concord-keys"}
_NAME: Final = re.compile(r"[a-z][a-z0-9._-]{0,62}")


def back_up_keys(settings: Settings, file: Path, passphrase: str) -> list[str]:
    """Write every file of the keys' directory to a new `file` for its owner alone; return their names.

    Raises InputError for a `file` that is there already and for a passphrase that is too short.
    """
    key = _key(passphrase)
    load_signing_keys(settings)  # made on first use; a broken set is not worth a backup
    found = {
        path.name: path.read_bytes()
        for path in sorted(settings.keys_directory.iterdir())
        if _NAME.fullmatch(path.name)
    }
    contents = {name: base64.b64encode(value).decode() for name, value in found.items()}
    sealed = jwe.encrypt_compact(_HEADER, json.dumps(contents).encode(), key, algorithms=_ALGORITHMS)
    new_private_file(file, sealed.encode() + b"\n")
    return list(found)


def restore_keys(settings: Settings, file: Path, passphrase: str) -> list[str]:
    """Put the files of a backup into the keys' directory; return their names.

    Raises InputError where one of them is there already (nothing is replaced, and nothing written then), and
    for a file that this passphrase does not open.
    """
    contents = _opened(file, _key(passphrase))
    directory = private_directory(settings.keys_directory)
    taken = [name for name in contents if (directory / name).exists()]
    if taken:
        raise InputError(reason=f"{directory} holds {', '.join(taken)} already; move it away first")
    for name, value in contents.items():
        new_private_file(directory / name, value)
    load_signing_keys(settings)
    return list(contents)


def _key(passphrase: str) -> OctKey:
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise InputError(reason=f"a passphrase has at least {SHORTEST_PASSPHRASE} characters")
    return OctKey.import_key(passphrase.encode())


def _opened(file: Path, key: OctKey) -> dict[str, bytes]:
    """Return the files of a backup by name; raises InputError for what is none."""
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise InputError(reason=f"{file} is no backup of keys")
        opened = jwe.decrypt_compact(file.read_bytes().strip(), key, algorithms=_ALGORITHMS)
        contents = json.loads(opened.plaintext or b"")
        files = {name: base64.b64decode(value, validate=True) for name, value in contents.items()}
    except OSError as error:
        raise InputError(reason=f"{file}: {error.strerror}") from None
    except (JoseError, ValueError, TypeError, AttributeError, binascii.Error):
        raise InputError(reason=f"{file} is no backup of keys, or of another passphrase") from None
    if not all(_NAME.fullmatch(name) for name in files):
        raise InputError(reason=f"{file} names files that no backup holds")
    return files

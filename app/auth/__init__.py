"""Who is calling: whose tokens are trusted, and the strict check that turns one into a Principal.

- `keys`, `issuing`              the local signing keys and the tokens they sign
- `key_backup`                   all keys in one file, sealed by a passphrase
- `trust`                        whose tokens are accepted: the local issuer, those of CONCORD_ISSUERS_FILE
- `verifying`, `remote_keys`     public keys, and those of a provider as they rotate
- `strict`, `mapping`            reading what is not trusted yet; from claims to audience, role and party
- `login_client`, `web/`         people log in at our own pages; a cookie stands for them there
- `issuer/`                      the built-in issuer: an OAuth 2 token server for registered clients
- `validation`                   all of it, in order

What a principal may see and do is no concern of this package: `app.access` binds it to policies.
"""

from app.auth.claims import family_of
from app.auth.issuing import issue_token
from app.auth.keys import SigningKeys, load_signing_keys, rotate_signing_keys
from app.auth.principal import AUDIENCES, Audience, Principal, Rights
from app.auth.private_files import private_file
from app.auth.validation import Authenticator, TokenValidator

__all__ = [
    "AUDIENCES",
    "Audience",
    "Authenticator",
    "Principal",
    "Rights",
    "SigningKeys",
    "TokenValidator",
    "family_of",
    "issue_token",
    "load_signing_keys",
    "private_file",
    "rotate_signing_keys",
]

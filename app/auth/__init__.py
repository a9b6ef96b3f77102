"""Who is calling: the local signing keys, the tokens they sign, and the strict check that yields a Principal.

What a principal may see and do is no concern of this package: `app.access` binds it to policies.
"""

from app.auth.issuing import issue_token
from app.auth.keys import SigningKeys, load_signing_keys
from app.auth.principal import AUDIENCES, Audience, Principal
from app.auth.private_files import private_file
from app.auth.validation import TokenValidator

__all__ = [
    "AUDIENCES",
    "Audience",
    "Principal",
    "SigningKeys",
    "TokenValidator",
    "issue_token",
    "load_signing_keys",
    "private_file",
]

"""Who is who at the built-in issuer: every act is one function here, and one transaction.

- `acts`      logins, grants, tokens and their ends, as the issuer's endpoints cause them
- `accounts`  people: added, disabled, given a password by command
- `clients`   machines and applications: registered and revoked by command
"""

from app.services.identity.acts import StoredRegistry

__all__ = ["StoredRegistry"]

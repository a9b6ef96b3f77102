"""What a principal may see and do: `policies/*.toml` compiled to row-level security, and bound to a Scope.

from app.access import HOST, Scope
"""

from app.access.scope import DIRECTORY, HOST, Scope

__all__ = ["DIRECTORY", "HOST", "Scope"]

"""All internal reads: each function takes the query's one transaction and returns plain dataclasses.

What a role may see is decided by the database under the transaction's scope; nothing here filters rows by
role. A question that the role has no grant for at all is answered with `NotGranted` instead of emptiness.
"""

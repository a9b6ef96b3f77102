"""Use cases: a verb a file. They join the store, the exchange formats and the engine, and know no GraphQL."""

"""Concord: a versioned plan database, a planning engine over it, three graphs on top."""

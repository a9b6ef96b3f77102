"""Alembic migrations of the plan database."""

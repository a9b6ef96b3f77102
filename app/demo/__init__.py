"""The demonstration company: data files only, in the dataset's own format."""

from pathlib import Path

COMPANY = Path(__file__).parent / "company"

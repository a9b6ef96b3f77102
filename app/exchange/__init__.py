"""Bytes to rows and back: reads, checks and writes datasets, native or foreign through a mapping file.

Knows neither the database nor GraphQL. `read_dataset` never raises for bad data: every bad row is a
`Finding`, and any error leaves no dataset. docs/dataset.md is the format's reference.
"""

from app.dimensions.units import Conversions
from app.exchange.dataset import Dataset, DatasetResult, Row, SeriesBlock, SeriesKey
from app.exchange.findings import Code, Finding, FindingLog
from app.exchange.reader import read_dataset
from app.exchange.writer import write_dataset

__all__ = [
    "Code",
    "Conversions",
    "Dataset",
    "DatasetResult",
    "Finding",
    "FindingLog",
    "Row",
    "SeriesBlock",
    "SeriesKey",
    "read_dataset",
    "write_dataset",
]

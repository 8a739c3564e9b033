"""What AWS asks for calls and units: list prices with their date, and the cost of a million jobs."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files

REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million SQS requests, write units and read units in a region, and the day they are from."""

    region: str
    as_of: str
    sqs_request: float
    dynamodb_write_unit: float
    dynamodb_read_unit: float

    def per_million(self, sqs: float, written: float, read: float) -> float:
        """Dollars for a million jobs that each take so many requests and units."""
        return sqs * self.sqs_request + written * self.dynamodb_write_unit + read * self.dynamodb_read_unit

    @property
    def words(self) -> str:
        """Where the prices come from, for the line below a sum."""
        return f"list prices for {self.region} as remembered on {self.as_of}; check them"


def list_prices(region: str = REGION) -> Prices:
    """The prices of this region, or of us-east-1 where the table lacks it."""
    table = tomllib.loads(files(__package__).joinpath("prices.toml").read_text(encoding="utf-8"))
    known = region if region in table else REGION
    return Prices(region=known, as_of=str(table["as_of"]), **table[known])

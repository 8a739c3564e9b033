"""The settings of the rate limits of submissions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cqworker.settings.section import Section

PerSecond = Annotated[float, Field(gt=0, le=100_000)]
"""Submissions a second."""
Burst = Annotated[int, Field(ge=1, le=10_000_000)]
"""Submissions at once."""
PER_SECOND = "Submissions a second, on average; not set: "
AT_ONCE = "Submissions at once, after as long a pause; not set: "
"""How the descriptions of a rate and of a burst begin."""


class RateSettings(Section):
    """`[http.rates.tenants."a.tenant"]`: what you override for one tenant."""

    rate: PerSecond | None = Field(None, description=f"{PER_SECOND}http.rates.tenant_rate.")
    burst: Burst | None = Field(None, description=f"{AT_ONCE}http.rates.tenant_burst.")


class RatesSettings(Section):
    """`[http.rates]`: how often may be submitted, in each daemon for itself."""

    token_rate: PerSecond | None = Field(None, description=f"{PER_SECOND}any token as many as come.")
    token_burst: Burst | None = Field(
        None, description=f"{AT_ONCE}what a batch may have (500), or what the rate gives in a second."
    )
    tenant_rate: PerSecond | None = Field(None, description=f"{PER_SECOND}all tokens of a tenant as many as come.")
    tenant_burst: Burst | None = Field(
        None, description=f"{AT_ONCE}what a batch may have (500), or what the rate gives in a second."
    )
    schedule_rate: PerSecond = Field(
        500.0, description="Submissions a second, on average, of a tenant for later than in 15 minutes."
    )
    schedule_burst: Burst | None = Field(
        None, description="So many of them at once; not set: what a batch may have (500), or a second's worth."
    )
    tenants: dict[str, RateSettings] = Field(default_factory=dict, description="Overrides for single tenants.")

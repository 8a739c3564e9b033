"""The settings of the HTTP server and of those who may call it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from cqworker.enums import Scope
from cqworker.model.tenants import DEFAULT_TENANT, EVERY_TENANT, check_tenant
from cqworker.settings.rate_limits import AT_ONCE, PER_SECOND, Burst, PerSecond, RatesSettings
from cqworker.settings.section import Section, duplicates_of

MAX_CONNECTIONS = 1000
"""Connections to the HTTP server, where the limit of file descriptors allows so many."""
LEAST_RATE = 8192
"""Bytes a second of a body: 32 MiB, the largest upload, take an hour at most."""

TokenName = Annotated[str, Field(min_length=1, max_length=128)]
Tenant = Annotated[str, AfterValidator(check_tenant)]
"""The name of a tenant, as `check_tenant` has it."""


class TokenSettings(Section):
    """`[[http.tokens]]`: a bearer token, of which only the SHA-256 is kept."""

    name: TokenName = Field(description="A name for the token, for the log.")
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        description='The token\'s SHA-256 as 64 small hexadecimal digits: printf %s "$TOKEN" | sha256sum',
    )
    scopes: tuple[Scope, ...] = Field(("submit", "read"), description="What its bearer may do.")
    tenant: Tenant = Field(
        DEFAULT_TENANT,
        description=f'Whose jobs its bearer sees and submits; "{EVERY_TENANT}": the operator of all, who sees those of '
        f'every tenant and submits those of "{DEFAULT_TENANT}".',
    )
    rate: PerSecond | None = Field(None, description=f"{PER_SECOND}http.rates.token_rate.")
    burst: Burst | None = Field(None, description=f"{AT_ONCE}http.rates.token_burst.")

    @property
    def seen_tenant(self) -> str | None:
        """Whose jobs its bearer sees; None: everybody's."""
        return None if self.tenant == EVERY_TENANT else self.tenant

    @property
    def own_tenant(self) -> str:
        """Whose the jobs are that its bearer submits."""
        return self.seen_tenant or DEFAULT_TENANT


class HttpSettings(Section):
    """`[http]`: where the daemon listens and what it accepts."""

    host: str = Field(
        "127.0.0.1", min_length=1, description="The address to listen on; beyond loopback the api role needs a token."
    )
    port: int = Field(8080, ge=0, le=65_535, description="The port to listen on; 0: any free one.")
    max_body: int = Field(1_048_576, ge=1024, description="Bytes of the largest JSON body accepted.")
    max_upload: int = Field(
        33_554_432,
        ge=1024,
        description="Bytes of the largest artifact: accepted, written by a job, served; the same for api and workers.",
    )
    max_spool: int = Field(
        1_073_741_824,
        ge=1_048_576,
        description="Bytes of uploads and downloads that lie in temporary files (in TMPDIR) at once.",
    )
    max_connections: int = Field(
        MAX_CONNECTIONS,
        ge=16,
        le=100_000,
        description="Connections that are open at once, and at most half of the file descriptors the process may have; "
        "an eighth of them is kept for /healthz, /readyz and /metrics.",
    )
    least_rate: int = Field(
        LEAST_RATE,
        ge=1,
        description="Bytes a second that a client must send of a body after its first 20 seconds, and take of an "
        "answer after 30.",
    )
    tokens: tuple[TokenSettings, ...] = Field((), description="Who may call; empty: anybody who reaches the port.")
    rates: RatesSettings = RatesSettings()

    @field_validator("max_spool")
    @classmethod
    def _refuse_too_little_room(cls, max_spool: int, info: ValidationInfo) -> int:
        if max_spool < info.data.get("max_upload", 0):
            raise ValueError(f"an artifact of max_upload ({info.data['max_upload']} bytes) has to fit in; give it more")
        return max_spool

    @field_validator("tokens")
    @classmethod
    def _refuse_tokens_named_twice(cls, tokens: tuple[TokenSettings, ...]) -> tuple[TokenSettings, ...]:
        twice = duplicates_of(token.name for token in tokens)
        if twice:
            raise ValueError(f"two tokens are called {twice}; give each a name of its own")
        if duplicates_of(token.sha256 for token in tokens):
            raise ValueError("two tokens have the same sha256; make a token of its own for each bearer")
        return tokens

    @field_validator("rates")
    @classmethod
    def _refuse_unknown_tenants(cls, rates: RatesSettings, info: ValidationInfo) -> RatesSettings:
        known = {DEFAULT_TENANT, *(token.own_tenant for token in info.data.get("tokens", ()))}
        for tenant in rates.tenants:
            if "tokens" in info.data and tenant not in known:
                raise ValueError(f'no token is of the tenant "{tenant}"; there are {", ".join(sorted(known))}')
        return rates

"""Limits for which so many jobs wait that no more may: what the sweep of limits found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from cqworker.field_docs import document_fields
from cqworker.model.limits import shown_key

MAX_WAITED_KEYS = 1_000
"""Keys (`limit_key`) of one tenant for which jobs may wait at the same time: each is looked at once a minute."""
MOST_NAMED = 100
"""Limits, and tenants, that are named at most: every daemon reads them twice a minute."""
HASH_LENGTH = 64
"""Characters of the hash at the end of a key."""


@document_fields(
    limits="The keys whose waiting lists are full.",
    tenants="Those for whose limit_keys too many lists are kept.",
    until="How long it holds (epoch ms), unless it is said again.",
)
class Crowding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """For what no more jobs may wait. It ends by itself: whoever says it may be gone."""

    limits: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    until: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is room everywhere."""
        return not self.limits and not self.tenants

    def first_full(self, keys: Iterable[str], now: int) -> str | None:
        """The first of these keys for which no more may wait at `now` (epoch ms); None: there is room."""
        if now >= self.until:
            return None
        return next((key for key in keys if key in self.limits or tenant_of_key(key) in self.tenants), None)

    def names_tenant_of(self, key: str) -> bool:
        """Whether it is the tenant of this key who has too many."""
        return tenant_of_key(key) in self.tenants

    def says_the_same(self, other: Crowding) -> bool:
        """Whether both name the same."""
        return (self.limits, self.tenants) == (other.limits, other.tenants)


def tenant_of_key(key: str) -> str | None:
    """Whose limit_key it is; None for the key of a type, queue or tenant."""
    return key[len("key:") : -HASH_LENGTH - 1] if key.startswith("key:") else None


def crowded_tenants(waited_for: Iterable[str]) -> list[str]:
    """Those of whom so many keys are waited for as may be, or more."""
    counts = Counter(tenant for key in waited_for if (tenant := tenant_of_key(key)) is not None)
    return sorted(tenant for tenant, count in counts.items() if count >= MAX_WAITED_KEYS)


def refusal(crowding: Crowding, key: str, seconds: int) -> str:
    """Why no job of this key is accepted, and what to do."""
    if crowding.names_tenant_of(key):
        why = f'Jobs of the tenant "{tenant_of_key(key)}" already wait for {MAX_WAITED_KEYS} limit_keys, as many as may'
    else:
        why = f"As many jobs as may (max_waiting) already wait for {shown_key(key)}"
    return f"{why}: nothing was accepted. Send it again in {seconds} s."

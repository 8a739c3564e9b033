"""A token as the configuration names it."""

from __future__ import annotations

from hashlib import sha256

from cqworker.enums import Scope
from cqworker.settings import TokenSettings


def token(name: str, *scopes: Scope, tenant: str = "default") -> TokenSettings:
    """A configured token whose secret is its name."""
    return TokenSettings(name=name, sha256=sha256(name.encode()).hexdigest(), scopes=scopes, tenant=tenant)


A_TOKEN = token("a", "submit", "read", "operate")

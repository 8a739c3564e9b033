"""Whose a job is: the one rule for a tenant's name, wherever it is written."""

from __future__ import annotations

import re
from functools import lru_cache

DEFAULT_TENANT = "default"
"""The tenant of whoever names none; its messages are in no group."""
EVERY_TENANT = "*"
"""What stands in a token's settings in place of a tenant, where its bearer is the operator of all."""
MAX_TENANT = 128
"""Characters of a tenant's name, as many as a MessageGroupId may have (SQS API, SendMessage)."""
CACHE_SIZE = 1024
"""Tenants whose answer is remembered: a fleet has few, and each message names one."""
_is_group = re.compile(r"[!-~]{1,128}").fullmatch
"""What SQS takes as a MessageGroupId (SQS API, SendMessage): letters, digits and punctuation of ASCII."""
_NO_STEPS = frozenset({"", ".", ".."})


@lru_cache(maxsize=CACHE_SIZE)
def tenant_fault(name: str) -> str | None:
    """What is wrong with a tenant's name, as a clause without the name; None where nothing is.

    The name is the MessageGroupId of the tenant's messages, and its uploads lie at `uploads/{tenant}/`.
    """
    if _is_group(name) is None:
        return f"takes 1 to {MAX_TENANT} printable ASCII characters without a space, as SQS does for a message's group"
    if not _NO_STEPS.isdisjoint(name.split("/")):
        return 'takes no name with an empty, "." or ".." step, for uploads lie in a folder of this name'
    return None


def check_tenant(name: object) -> str:
    """The name itself. Raises ValueError, in one short line, where it is no tenant's name."""
    fault = tenant_fault(name if isinstance(name, str) else "")
    if fault is not None:
        raise ValueError(f"tenant {fault}, not {f'{name!a}'[:100]}")
    return str(name)


def message_group_of(tenant: str) -> str | None:
    """The MessageGroupId of a tenant, by which SQS's fair queues tell tenants apart; None for the default one."""
    return None if tenant == DEFAULT_TENANT else tenant

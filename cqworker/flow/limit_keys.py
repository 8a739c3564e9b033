"""The limit keys of jobs: as their submissions said, else as their payloads have it by the author's word."""

from __future__ import annotations

from contextlib import suppress

from cqworker.errors import InvalidPayload
from cqworker.execution.executor import Executor
from cqworker.execution.outcome import Outcome, PayloadRefused
from cqworker.model.limits import LimitTable, keys_of_job
from cqworker.model.record import JobRecord
from cqworker.plugins.registry import Registry


class LimitKeys:
    """Knows the fields that the handlers here name (`@handler(limits=…)`).

    A payload is looked into only while some key is limited, and for a job whose submission gave no key.
    """

    def __init__(self, registry: Registry, executor: Executor) -> None:
        self._handlers = {each.type: each for each in registry.handlers.values() if each.limits is not None}
        self._executor = executor

    async def keys_of(self, record: JobRecord, table: LimitTable) -> tuple[str, ...] | Outcome:
        """All keys that may bind a claimed job; or how its attempt ends whose payload has none, or cannot be read."""
        if not self._has_field(record, table):
            return keys_of_job(record.type, record.queue, record.tenant, record.limit_key)
        payload = await self._executor.payload_of(record)
        if not isinstance(payload, str):
            return payload
        try:
            return self._with_field(record, payload)
        except InvalidPayload as refused:
            return PayloadRefused(refused.faults)

    def keys_of_seen(self, record: JobRecord, table: LimitTable) -> tuple[str, ...]:
        """All keys of which a job may hold a slot, as far as its record says it."""
        if self._has_field(record, table) and record.payload is not None:
            with suppress(InvalidPayload):
                return self._with_field(record, record.payload)
        return keys_of_job(record.type, record.queue, record.tenant, record.limit_key)

    def _has_field(self, record: JobRecord, table: LimitTable) -> bool:
        return record.limit_key is None and record.type in self._handlers and table.has_keys

    def _with_field(self, record: JobRecord, payload: str) -> tuple[str, ...]:
        limit_key = self._handlers[record.type].limit_key_of(payload)
        return keys_of_job(record.type, record.queue, record.tenant, limit_key)

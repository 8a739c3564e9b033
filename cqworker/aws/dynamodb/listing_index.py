"""The indexes that lists are made of, in DynamoDB: pages of global secondary indexes, and counts of their entries."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cqworker.aws.aws_call import Answer, Calls, Declined
from cqworker.aws.dynamodb.items import JOB_PREFIX, Cell, Item, job_key, number, text
from cqworker.aws.dynamodb.job_store import WITH_CAPACITY
from cqworker.aws.operations import QUERY
from cqworker.errors import ListingRefused
from cqworker.ports.listing import IndexCount, IndexEntry, IndexPage, IndexPart, JobIndex

PLACES = {JobIndex.LISTING: "listed", JobIndex.DUE: "scheduled_at", JobIndex.DAY: "created_at"}
"""The range key of each index, whose hash key has the index's own name."""
NO_FILTER: Mapping[str, str] = MappingProxyType({})
NO_SUCH_ENTRY = "The cursor is of no list that there can be: leave it out to begin anew."


class DynamoListing:
    """The indexes of the table of this name."""

    def __init__(self, clients: Calls, table: str) -> None:
        self._clients = clients
        self._table = table
        self._about = f'table "{table}"'

    async def page(
        self, part: IndexPart, limit: int, after: IndexEntry | None = None, where: Mapping[str, str] = NO_FILTER
    ) -> IndexPage | None:
        """As JobListing.page."""
        answer = await self._query(part, after, where, {"Limit": limit})
        if answer is None:
            return None
        entries = [_entry_of(part.index, item) for item in answer.get("Items", ())]
        return IndexPage(entries, _end_of(part.index, answer), int(answer.get("ScannedCount", len(entries))))

    async def count(
        self, part: IndexPart, after: IndexEntry | None = None, where: Mapping[str, str] = NO_FILTER
    ) -> IndexCount | None:
        """As JobListing.count."""
        answer = await self._query(part, after, where, {"Select": "COUNT"})
        return None if answer is None else IndexCount(int(answer["Count"]), _end_of(part.index, answer))

    async def _query(
        self, part: IndexPart, after: IndexEntry | None, where: Mapping[str, str], more: Mapping[str, Any]
    ) -> Answer | None:
        request = {"TableName": self._table, **WITH_CAPACITY, **_query_of(part, where), **more}
        if after is not None:
            request["ExclusiveStartKey"] = _start_key(part, after)
        try:
            return await self._clients.call(QUERY, request, self._about)
        except Declined as declined:
            said = declined.message.lower()
            if after is not None and "start" in said and "key" in said:
                raise ListingRefused(NO_SUCH_ENTRY) from None
            if "index" in said:  # missing, or being filled: it has no code of its own (DynamoDB, Query)
                return None
            raise declined.as_fault(QUERY, self._about) from None


def _query_of(part: IndexPart, where: Mapping[str, str]) -> dict[str, Any]:
    place = PLACES[part.index]
    first, last = _bounds(part)
    request: dict[str, Any] = {
        "IndexName": part.index.value,
        "KeyConditionExpression": "#hash = :hash AND #place BETWEEN :first AND :last",
        "ExpressionAttributeNames": {"#hash": part.index.value, "#place": place},
        "ExpressionAttributeValues": {":hash": text(part.key), ":first": first, ":last": last},
        "ScanIndexForward": not part.index.newest_first,
    }
    if where:
        request["FilterExpression"] = " AND ".join(f"#{name} = :{name}" for name in where)
        request["ExpressionAttributeNames"] |= {f"#{name}": name for name in where}
        request["ExpressionAttributeValues"] |= {f":{name}": text(value) for name, value in where.items()}
    return request


def _bounds(part: IndexPart) -> tuple[Cell, Cell]:
    """What stands at a time is `<ms>#<id>` in the listing index, which is less than the next millisecond alone."""
    if part.index is JobIndex.LISTING:
        return text(f"{part.first:013}"), text(f"{part.last + 1:013}")
    return number(part.first), number(part.last)


def _start_key(part: IndexPart, after: IndexEntry) -> dict[str, Cell]:
    is_text = part.index is JobIndex.LISTING
    place = text(f"{after.at:013}#{after.job_id}") if is_text else number(after.at)
    return {**job_key(after.job_id), part.index.value: text(part.key), PLACES[part.index]: place}


def _end_of(index: JobIndex, answer: Answer) -> IndexEntry | None:
    last = answer.get("LastEvaluatedKey")
    return _entry_of(index, last) if last else None


def _entry_of(index: JobIndex, item: Item) -> IndexEntry:
    cell = item[PLACES[index]]
    at = int(cell["S"].partition("#")[0]) if index is JobIndex.LISTING else int(cell["N"])
    return IndexEntry(at, item["pk"]["S"].removeprefix(JOB_PREFIX))

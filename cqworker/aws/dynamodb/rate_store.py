"""The rates in DynamoDB: one item a key, and one write for each reservation."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from cqworker.aws.aws_call import Calls, Declined
from cqworker.aws.dynamodb.items import Item, UnreadableItem, number, text
from cqworker.aws.dynamodb.job_store import WITH_CAPACITY, read_item
from cqworker.aws.error_translation import garbled_answer
from cqworker.aws.operations import GET_ITEM, UPDATE_ITEM
from cqworker.errors import Unavailable
from cqworker.model.rates import Busy, RateAsk, RateState, Reserved, reserve

LIMIT_PREFIX = "limit#"
"""What `pk` begins with, of every item of a limit."""
RATE_SORT_KEY = "rate"
"""The `sk` of the item that has a key's rate."""
KEPT_SECONDS = 7 * 86_400
"""Seconds after a key's last moment after which TTL deletes its item: by then it says nothing."""
MAX_TRIES = 8
"""Writes of one reservation: each is refused only because somebody else wrote in between."""
MOST_REMEMBERED = 10_000
"""Keys whose last state is remembered, to try the form that fits first."""
LAPSED = "attribute_not_exists(tat) OR tat < :now"
"""Nobody is ahead: the line begins now."""
AHEAD = "every = :every AND tat >= :now AND tat <= :last"
"""Somebody is ahead, at our distance, and the last of ours comes in time."""
AS_SEEN = "tat = :seen AND every = :counted"
"""Somebody is ahead at another distance: the line is counted anew."""


class DynamoRates:
    """The rates of the table of this name.

    What a key's item said last is remembered: it decides which form of the write is tried first, never what is true.
    """

    def __init__(self, clients: Calls, table: str) -> None:
        self._clients = clients
        self._table = table
        self._about = f'table "{table}"'
        self._last: OrderedDict[str, RateState] = OrderedDict()

    async def reserve(self, ask: RateAsk) -> Reserved | Busy:
        """As Rates.reserve."""
        state = self._last.get(ask.key)
        is_seen = False
        for _ in range(MAX_TRIES):
            answer = reserve(state, ask)
            if isinstance(answer, Busy):
                if is_seen:
                    return answer
                state, is_seen = await self.rate_state(ask.key), True
                continue
            try:
                return await self._write(state, ask)
            except Declined as declined:
                state, is_seen = self._read(declined.answer.get("Item")), True
        raise Unavailable("dynamodb", f"The {self._about} changes too quickly at {ask.key}.", "It is asked again.")

    async def rate_state(self, key: str) -> RateState | None:
        """As Rates.rate_state."""
        request = {"TableName": self._table, "Key": rate_key(key), "ConsistentRead": True, **WITH_CAPACITY}
        try:
            answer = await self._clients.call(GET_ITEM, request, self._about)
        except Declined as declined:
            raise declined.as_fault(GET_ITEM, self._about) from None
        state = self._read(answer.get("Item"))
        self._remember(key, state)
        return state

    async def _write(self, state: RateState | None, ask: RateAsk) -> Reserved:
        """Raises Declined where the item is not as it was taken for."""
        taken = ask.count * ask.interval
        if state is None or state.next < ask.now:
            place = ask.now
            await self._update(ask, LAPSED, {":to": number(place + taken), ":now": number(ask.now)}, place)
        elif state.interval == ask.interval:
            last = ask.latest + ask.early - taken + ask.interval
            values = {":by": number(taken), ":now": number(ask.now), ":last": number(last)}
            place = await self._update(ask, AHEAD, values, last) - taken
        else:
            place = state.place(ask)
            values = {":seen": number(state.next), ":counted": number(state.interval), ":to": number(place + taken)}
            await self._update(ask, AS_SEEN, values, place)
        self._remember(ask.key, RateState(place + taken, ask.interval))
        return Reserved(ask.times_from(place))

    async def _update(self, ask: RateAsk, condition: str, values: dict[str, Any], place: int) -> int:
        """What the item's line ends with now (epoch µs)."""
        line = ":to" if ":to" in values else "tat + :by"
        request = {
            "TableName": self._table,
            "Key": rate_key(ask.key),
            "ConditionExpression": condition,
            "UpdateExpression": f"SET tat = {line}, every = :every, purge_at = :purge_at",
            "ExpressionAttributeValues": {
                **values,
                ":every": number(ask.interval),
                ":purge_at": number(max(place, ask.now) // 1_000_000 + KEPT_SECONDS),
            },
            "ReturnValues": "UPDATED_NEW",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **WITH_CAPACITY,
        }
        answer = await self._clients.call(UPDATE_ITEM, request, self._about)
        if not answer.get("Attributes"):
            raise garbled_answer(UPDATE_ITEM, self._about, "it has no Attributes")
        return read_item(_line_of, answer["Attributes"], self._about, ambiguous=True)

    def _read(self, item: Item | None) -> RateState | None:
        return read_item(_state_of, item, self._about) if item else None

    def _remember(self, key: str, state: RateState | None) -> None:
        self._last.pop(key, None)
        if state is not None:
            self._last[key] = state
        if len(self._last) > MOST_REMEMBERED:
            self._last.popitem(last=False)


def rate_key(key: str) -> dict[str, Any]:
    """The key of the item of a limit's rate."""
    return {"pk": text(LIMIT_PREFIX + key), "sk": text(RATE_SORT_KEY)}


def _line_of(item: Item) -> int:
    """Raises UnreadableItem."""
    try:
        return int(item["tat"]["N"])
    except (KeyError, ValueError) as error:
        raise UnreadableItem(f"a rate's item: {type(error).__name__}: {error}") from error


def _state_of(item: Item) -> RateState:
    """Raises UnreadableItem."""
    try:
        return RateState(_line_of(item), int(item["every"]["N"]))
    except (KeyError, ValueError) as error:
        raise UnreadableItem(f"a rate's item: {type(error).__name__}: {error}") from error

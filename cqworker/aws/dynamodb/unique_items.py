"""Unique keys in DynamoDB: an item each, put under the condition that nobody took the key since it was seen."""

from __future__ import annotations

from cqworker.aws.aws_call import Answer, Calls, Declined, Request
from cqworker.aws.dynamodb.expression_parts import Part, all_of, any_of, compare, missing, present
from cqworker.aws.dynamodb.items import Cell, Item, UnreadableItem, key_item, key_of, number, text
from cqworker.aws.dynamodb.job_store import WITH_CAPACITY, WITH_OLD_ITEM, read_item
from cqworker.aws.dynamodb.record_conditions import ABSENT
from cqworker.aws.error_translation import garbled_answer
from cqworker.aws.operations import PUT_ITEM
from cqworker.enums import UniqueScope
from cqworker.model.unique_hold import UniqueHold
from cqworker.ports import KeyItem

UNIQUE_PREFIX = "unique#"
"""What `pk` of a unique key's item begins with."""
UNSEEN = any_of(ABSENT, compare("rev", "=", ":seen"))


class DynamoUniqueKeys:
    """The unique keys in the table of this name."""

    def __init__(self, clients: Calls, table: str) -> None:
        self._clients = clients
        self._table = table
        self._about = f'table "{table}"'

    async def take(self, hold: UniqueHold) -> UniqueHold | None:
        """As UniqueKeys.take."""
        request = {
            "Item": unique_item(hold),
            "ConditionExpression": UNSEEN.expression,
            "ExpressionAttributeValues": {":seen": number(hold.rev - 1)},
            **WITH_OLD_ITEM,
        }
        try:
            await self._put(request)
        except Declined as declined:
            if not declined.answer.get("Item"):
                raise garbled_answer(PUT_ITEM, self._about, "it has no Item") from None
            held = read_item(unique_of, declined.answer["Item"], self._about)
            return None if held.is_same_take(hold) else held
        return None

    async def decide(self, key: KeyItem, former: KeyItem) -> KeyItem | None:
        """As UniqueKeys.decide."""
        condition, values = _names_what(former)
        request = {
            "Item": key_item(key),
            "ConditionExpression": condition.expression,
            "ExpressionAttributeValues": values,
            **WITH_OLD_ITEM,
        }
        try:
            await self._put(request)
        except Declined as declined:
            if not (item := declined.answer.get("Item")):
                return None
            held = read_item(key_of, item, self._about)
            return None if held.named == key.named else held
        return None

    async def _put(self, request: Request) -> Answer:
        return await self._clients.call(PUT_ITEM, {"TableName": self._table, **WITH_CAPACITY, **request}, self._about)


def _names_what(former: KeyItem) -> tuple[Part, dict[str, Cell]]:
    """That an idempotency key names what it was read with."""
    values: dict[str, Cell] = {":former": text(former.job_id)}
    terms = [compare("job_id", "=", ":former"), present("decided") if former.decided else missing("decided")]
    if former.replacement is None:
        terms.append(missing("replacement"))
    else:
        terms += [compare("replacement", "=", ":number"), compare("standing", "=", ":standing")]
        values |= {":number": number(former.replacement), ":standing": text(former.standing or "")}
    return all_of(*terms), values


def unique_item(hold: UniqueHold) -> dict[str, Cell]:
    """The item of a unique key."""
    item = {
        "pk": text(UNIQUE_PREFIX + hold.key),
        "sk": text("unique"),
        "job_id": text(hold.job_id),
        "rev": number(hold.rev),
        "round": number(hold.round),
        "scope": text(hold.scope),
        "purge_at": number(hold.purge_at),
    }
    return item if hold.expires_at is None else item | {"expires_at": number(hold.expires_at)}


def unique_of(item: Item) -> UniqueHold:
    """The unique key of an item; raises Unreadable."""
    try:
        return UniqueHold(
            key=item["pk"]["S"].removeprefix(UNIQUE_PREFIX),
            job_id=item["job_id"]["S"],
            rev=int(item["rev"]["N"]),
            round=int(item["round"]["N"]),
            scope=UniqueScope(item["scope"]["S"]),
            purge_at=int(item["purge_at"]["N"]),
            expires_at=int(item["expires_at"]["N"]) if "expires_at" in item else None,
        )
    except (KeyError, ValueError) as error:
        raise UnreadableItem(f"a unique key's item: {type(error).__name__}: {error}") from error

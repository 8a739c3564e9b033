"""The tables themselves: created, described, deleted; expired items stay."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from bench.endpoint.dynamodb.indexes import Index, index_from
from bench.endpoint.dynamodb.table import Table
from bench.endpoint.errors import Refusal, invalid
from bench.endpoint.ledger import Ledger

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/"
KNOWN = {
    "TableName",
    "KeySchema",
    "AttributeDefinitions",
    "BillingMode",
    "ProvisionedThroughput",
    "Tags",
    "GlobalSecondaryIndexes",
}
KNOWN_IN_UPDATE = {"TableName", "AttributeDefinitions", "GlobalSecondaryIndexUpdates"}


class Tables:
    """Every table by its name."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tables: dict[str, Table] = {}
        self.operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "CreateTable": self._count_calls("CreateTable", self._create),
            "UpdateTable": self._count_calls("UpdateTable", self._update),
            "DescribeTable": self._count_calls("DescribeTable", self._describe),
            "DeleteTable": self._count_calls("DeleteTable", self._delete),
            "ListTables": self._count_calls("ListTables", lambda _: {"TableNames": sorted(self._tables)}),
            "UpdateTimeToLive": self._count_calls("UpdateTimeToLive", self._update_ttl),
            "DescribeTimeToLive": self._count_calls("DescribeTimeToLive", self._describe_ttl),
        }

    def get(self, name: str) -> Table:
        """The table of this name; refuses one that is not there."""
        try:
            return self._tables[name]
        except KeyError:
            message = f"Requested resource not found: Table: {name} not found"
            raise Refusal("ResourceNotFoundException", message) from None

    def _count_calls(
        self, operation: str, act: Callable[[Mapping[str, Any]], dict[str, Any]]
    ) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        def count_and_act(request: Mapping[str, Any]) -> dict[str, Any]:
            self._ledger.call(operation)
            return act(request)

        return count_and_act

    def _create(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if not request.keys() <= KNOWN:
            raise invalid(f"Not known here: {', '.join(sorted(request.keys() - KNOWN))}")
        name = request["TableName"]
        if name in self._tables:
            raise Refusal("ResourceInUseException", f"Table already exists: {name}")
        types = {each["AttributeName"]: each["AttributeType"] for each in request["AttributeDefinitions"]}
        schema = sorted(request["KeySchema"], key=lambda key: key["KeyType"])
        keys = {key["AttributeName"]: types.get(key["AttributeName"], "") for key in schema}
        definitions = request.get("GlobalSecondaryIndexes", ())
        indexes = [index_from(definition, types, keys) for definition in definitions]
        used = {*keys, *(name for index in indexes for name in index.keys)}
        if not keys or used != types.keys() or schema[0]["KeyType"] != "HASH":
            raise invalid("Some index key attributes are not defined in AttributeDefinitions, or the other way round")
        described = {
            "TableName": name,
            "TableArn": ARN + name,
            "TableStatus": "ACTIVE",
            "KeySchema": request["KeySchema"],
            "AttributeDefinitions": request["AttributeDefinitions"],
            "CreationDateTime": time.time(),
            "BillingModeSummary": {"BillingMode": request.get("BillingMode", "PROVISIONED")},
        }
        table = self._tables[name] = Table(name, keys, described)
        for index, definition in zip(indexes, definitions, strict=True):
            _add_index(table, index, definition)
        return {"TableDescription": self._description_of(name)}

    def _update(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """One index more, or one less: it is there at once."""
        if not request.keys() <= KNOWN_IN_UPDATE:
            raise invalid(f"Not known here: {', '.join(sorted(request.keys() - KNOWN_IN_UPDATE))}")
        table = self.get(request["TableName"])
        [(act, definition)] = [change for each in request["GlobalSecondaryIndexUpdates"] for change in each.items()]
        if act == "Create":
            types = {each["AttributeName"]: each["AttributeType"] for each in request.get("AttributeDefinitions", ())}
            _add_index(table, index_from(definition, types, table.keys), definition)
            known = {each["AttributeName"]: each for each in table.description["AttributeDefinitions"]}
            known |= {each["AttributeName"]: each for each in request["AttributeDefinitions"]}
            table.description["AttributeDefinitions"] = list(known.values())
        elif act == "Delete":
            del table.indexes[definition["IndexName"]]
            shown = table.description["GlobalSecondaryIndexes"]
            shown[:] = [each for each in shown if each["IndexName"] != definition["IndexName"]]
        else:
            raise invalid(f"Not known here: {act}")
        return {"TableDescription": self._description_of(table.name)}

    def _describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"Table": self._description_of(request["TableName"])}

    def _delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        described = self._description_of(request["TableName"])
        del self._tables[request["TableName"]]
        return {"TableDescription": {**described, "TableStatus": "DELETING"}}

    def _description_of(self, name: str) -> dict[str, Any]:
        table = self.get(name)
        size = sum(row.size for row in table.rows.values())
        return {**table.description, "ItemCount": len(table.rows), "TableSizeBytes": size}

    def _update_ttl(self, request: Mapping[str, Any]) -> dict[str, Any]:
        table, wanted = self.get(request["TableName"]), request["TimeToLiveSpecification"]
        if wanted["Enabled"] == (table.ttl is not None):
            raise invalid(f"TimeToLive is already {'enabled' if table.ttl else 'disabled'}")
        table.ttl = wanted["AttributeName"] if wanted["Enabled"] else None
        return {"TimeToLiveSpecification": wanted}

    def _describe_ttl(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name = self.get(request["TableName"]).ttl
        if name is None:
            return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": name}}


def _add_index(table: Table, index: Index, definition: Mapping[str, Any]) -> None:
    table.add_index(index)
    shown = {**definition, "IndexStatus": "ACTIVE", "IndexArn": f"{ARN}{table.name}/index/{index.name}"}
    table.description.setdefault("GlobalSecondaryIndexes", []).append(shown)

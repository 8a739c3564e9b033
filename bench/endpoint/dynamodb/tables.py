"""The tables themselves: created, described, deleted; expired items stay."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from bench.endpoint.dynamodb.table import Table
from bench.endpoint.errors import Refusal, invalid
from bench.endpoint.ledger import Ledger

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/"
KNOWN = {"TableName", "KeySchema", "AttributeDefinitions", "BillingMode", "ProvisionedThroughput", "Tags"}


class Tables:
    """Every table by its name."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tables: dict[str, Table] = {}
        self.operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "CreateTable": self._count_calls("CreateTable", self._create),
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
        if not keys or keys.keys() != types.keys() or schema[0]["KeyType"] != "HASH":
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
        self._tables[name] = Table(name, keys, described)
        return {"TableDescription": self._description_of(name)}

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

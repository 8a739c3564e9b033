"""The SDK's data about endpoints, without the hundreds of services that this process never calls."""

from __future__ import annotations

from typing import Any

from botocore.loaders import Loader

SERVICE_NAMES = frozenset({"sqs", "dynamodb", "s3", "sts", "sso", "sso-oidc", "signin"})
"""The three that are called, and those that the SDK asks for credentials."""


class TrimmedLoader(Loader):
    """The SDK's loader, with the endpoints of our services alone.

    A session keeps the endpoints of all services for as long as one of its clients lives: 16,000 dictionaries, 8 MB.
    """

    def __init__(self) -> None:
        super().__init__()
        self._endpoints: tuple[dict[str, Any], str] | None = None

    def load_data_with_path(self, name: str) -> Any:
        """As Loader.load_data_with_path."""
        if name != "endpoints":
            return super().load_data_with_path(name)
        if self._endpoints is None:
            everything, path = Loader().load_data_with_path(name)
            ours = {**everything, "partitions": [_trim(part) for part in everything["partitions"]]}
            self._endpoints = ours, path
        return self._endpoints


def _trim(partition: dict[str, Any]) -> dict[str, Any]:
    services = {name: where for name, where in partition["services"].items() if name in SERVICE_NAMES}
    return {**partition, "services": services}

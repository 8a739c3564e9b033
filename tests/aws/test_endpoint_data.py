"""The SDK finds the same places with our part of its endpoints as with all of them."""

from __future__ import annotations

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.loaders import Loader

from cqworker.aws.sdk.endpoint_data import TrimmedLoader

REGIONS = ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "eu-somewhere-9"]
SERVICES = ["sqs", "dynamodb", "s3", "sts"]


async def place(loader: Loader, service: str, region: str, *, fips: bool) -> tuple[str, str | None]:
    """Where a client of this service would call, and what it would sign for."""
    session = AioSession()
    session.register_component("data_loader", loader)
    session.set_credentials("AKIDEXAMPLE", "secret")
    config = AioConfig(use_fips_endpoint=fips)
    async with session.create_client(service, region_name=region, config=config) as client:
        return client.meta.endpoint_url, client.meta.config.region_name


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("fips", [False, True])
async def test_every_region_has_the_address_that_the_whole_data_gives_it(
    service: str, fips: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    ours, all_of_it = TrimmedLoader(), Loader()
    for region in REGIONS:
        assert await place(ours, service, region, fips=fips) == await place(all_of_it, service, region, fips=fips)


def test_partitions_and_their_regions_are_kept_whole() -> None:
    ours, all_of_it = TrimmedLoader().load_data("endpoints"), Loader().load_data("endpoints")
    assert [part["regions"] for part in ours["partitions"]] == [part["regions"] for part in all_of_it["partitions"]]
    assert sum(len(part["services"]) for part in ours["partitions"]) < 60

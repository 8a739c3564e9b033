"""Big things, whichever way they go."""

from __future__ import annotations

import pytest

from cqworker.errors import ArtifactMissing, ArtifactTooLarge
from cqworker.model.source_reference import resolve_source
from cqworker.model.status import Status
from tests.client.shop import TEXT, TYPE, WAYS, Shop, open_shop

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


@pytest.mark.parametrize(
    ("declared", "kept"),
    [("image/png", "image/png"), ("Text/Plain; charset=utf-8", "text/plain"), ("no type", "application/octet-stream")],
)
async def test_an_upload_can_be_named_as_a_source(shop: Shop, declared: str, kept: str) -> None:
    source = await shop.client.upload(PNG, declared)
    stored = shop.house.artifacts.objects[resolve_source(source, "default", shop.house.artifacts.reference, ())]
    assert (stored.data, stored.content_type) == (PNG, kept)


async def test_nothing_cannot_be_uploaded(shop: Shop) -> None:
    with pytest.raises(ValueError, match="empty"):
        await shop.client.upload(b"")


@pytest.mark.parametrize("way", WAYS)
async def test_an_upload_over_the_limit_is_refused_and_one_at_the_limit_is_not(way: str) -> None:
    async with open_shop(way, max_upload=2_000_000) as shop:
        await shop.client.upload(b"x" * 2_000_000)
        with pytest.raises(ArtifactTooLarge, match="2000000"):
            await shop.client.upload(b"x" * 2_000_001)
        assert len(shop.house.artifacts.objects) == 1


async def test_what_a_job_made_can_be_fetched(shop: Shop) -> None:
    job = await shop.client.submit(TYPE, TEXT)
    with pytest.raises(ArtifactMissing):
        await shop.client.download(job.job_id)
    output = await shop.house.artifacts.put(f"{job.job_id}/1-1.png", PNG, "image/png")
    shop.house.rewrite(job.job_id, Status.SUCCEEDED, result=f'{{"output":"{output}"}}')
    assert await shop.client.download(job.job_id) == PNG


async def test_what_a_job_made_can_be_fetched_by_its_name(shop: Shop) -> None:
    job = await shop.client.submit(TYPE, TEXT)
    shop.house.rewrite(job.job_id, Status.SUCCEEDED, attempt=1)
    await shop.house.artifacts.put(f"{job.job_id}/1-1/chart.png", PNG, "image/png")
    assert await shop.client.download(job.job_id, "chart.png") == PNG
    for name in ("other.png", "../1-1.png", ""):
        with pytest.raises(ArtifactMissing):
            await shop.client.download(job.job_id, name)


async def test_an_object_that_is_not_the_jobs_own_is_not_given_out(shop: Shop) -> None:
    job = await shop.client.submit(TYPE, TEXT)
    secret = await shop.house.artifacts.put("somebody/else.png", PNG, "image/png")
    shop.house.rewrite(job.job_id, Status.SUCCEEDED, result=f'{{"output":"{secret}"}}')
    with pytest.raises(ArtifactMissing):
        await shop.client.download(job.job_id)

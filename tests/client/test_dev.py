"""Both ways to a cqworker that runs jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cqworker.client import Client, JobFailed, JobView, NewJob
from cqworker.errors import ConfigurationError
from cqworker.model.status import Status
from tests.cli.running import Dev
from tests.client.shop import TYPE, WAYS
from tests.contract.worlds import use_environment
from tests.patience import scaled


@pytest.fixture(params=WAYS)
async def client(request: pytest.FixtureRequest, dev: Dev, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    use_environment(monkeypatch, dev.exports)
    async with Client.http(dev.url) if request.param == "over HTTP" else Client.aws() as opened:
        yield opened


async def test_a_job_runs_and_its_result_is_read(client: Client) -> None:
    job = await client.submit(TYPE, {"text": "hello"})
    assert await client.result(job.job_id, timeout=scaled(20)) == {
        "original_length": 5,
        "uppercase": "HELLO",
        "word_count": 1,
    }
    done = await client.get(job.job_id)
    assert (done.status, done.attempt) == (Status.SUCCEEDED, 1)
    assert [entry.event for entry in done.history] == ["submitted", "claimed", "succeeded"]


async def test_thirty_jobs_run_each_for_itself(client: Client) -> None:
    answers = await client.submit_many(NewJob(TYPE, {"text": f"text {number}"}) for number in range(30))
    jobs = [answer for answer in answers if isinstance(answer, JobView)]
    results = await asyncio.gather(*(client.result(job.job_id, timeout=scaled(30)) for job in jobs))
    assert [result["uppercase"] for result in results] == [f"TEXT {number}" for number in range(30)]


async def test_a_job_that_its_handler_rejects_has_failed(client: Client) -> None:
    job = await client.submit("image.grayscale", {"source": "artifact:nothing-here"})
    with pytest.raises(JobFailed) as caught:
        await client.result(job.job_id, timeout=scaled(20))
    assert caught.value.kind == "rejected"
    assert (await client.retry(job.job_id)).round == 2


async def test_the_configuration_is_read_as_the_daemon_reads_it(
    dev: Dev, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_environment(monkeypatch, dev.exports)
    path = tmp_path / "cqworker.toml"
    path.write_text('[[queues]]\nname = "cqworker"\n[handlers]\ndisabled = ["image.grayscale"]\n')
    async with Client.aws(path) as client:
        assert (await client.submit(TYPE, {"text": "x"}, delay=900)).queue == "cqworker"
    path.write_text("[htp]\nport = 1\n")
    with pytest.raises(ConfigurationError, match="did you mean http"):
        Client.aws(str(path))


@pytest.mark.parametrize("way", WAYS)
def test_one_client_serves_one_loop_after_another(way: str, dev: Dev, monkeypatch: pytest.MonkeyPatch) -> None:
    use_environment(monkeypatch, dev.exports)
    client = Client.http(dev.url) if way == "over HTTP" else Client.aws()

    async def story() -> str:
        async with client:
            job = await client.submit(TYPE, {"text": "hello"})
            return str((await client.result(job.job_id, timeout=scaled(20)))["uppercase"])

    assert [asyncio.run(story()) for _ in range(2)] == ["HELLO", "HELLO"]

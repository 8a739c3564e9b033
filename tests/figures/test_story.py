"""From end to end on real engines: a text, and a photograph that goes up, turns grey and comes down."""

from __future__ import annotations

from importlib.resources import files
from io import BytesIO

import pytest
from PIL import Image

from tests.processes.conftest import Start
from tests.processes.daemon import Daemon, until
from tests.processes.site import Site

pytestmark = pytest.mark.engines

PHOTOGRAPH = files("cqworker_handlers").joinpath("demo/astronaut.jpg").read_bytes()


@pytest.fixture(scope="module")
def daemon(site: Site, start: Start) -> Daemon:
    running = start(site.changed(queues=["story"]))
    until(lambda: running.get("/readyz").status == 200)
    return running


def test_a_text_is_transformed(daemon: Daemon) -> None:
    job_id = daemon.submit("text.transform", {"text": "on real engines"})
    job = daemon.get(f"/jobs/{job_id}?wait=20").body
    assert job["result"] == {"original_length": 15, "uppercase": "ON REAL ENGINES", "word_count": 3}


def test_a_photograph_goes_up_turns_grey_and_comes_down(daemon: Daemon) -> None:
    uploaded = daemon.post_bytes("/artifacts", PHOTOGRAPH, "image/jpeg")
    assert uploaded.status == 201
    job_id = daemon.submit("image.grayscale", {"source": uploaded.body["source"]})
    job = daemon.get(f"/jobs/{job_id}?wait=20").body
    assert job["status"] == "SUCCEEDED", job
    fetched = daemon.get(f"/jobs/{job_id}/artifact")
    assert (fetched.status, fetched.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(BytesIO(PHOTOGRAPH)) as colourful, Image.open(BytesIO(fetched.body)) as grey:
        assert (grey.mode, grey.size) == ("L", colourful.size)
        assert (job["result"]["width"], job["result"]["height"], job["result"]["bytes"]) == (
            *grey.size,
            len(fetched.body),
        )

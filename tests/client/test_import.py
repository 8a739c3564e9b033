"""What `from cqworker.client import Client` costs."""

from __future__ import annotations

import subprocess
import sys

import cqworker.client
from tests.patience import scaled

HEAVY = {"aiohttp", "aioboto3", "aiobotocore", "botocore", "pydantic", "structlog", "cqworker.daemon", "cqworker.flow"}


def test_the_names_are_sorted_and_all_there() -> None:
    assert cqworker.client.__all__ == sorted(cqworker.client.__all__)
    assert all(hasattr(cqworker.client, name) for name in cqworker.client.__all__)


def test_a_client_is_imported_without_what_it_may_never_need() -> None:
    program = "import sys; from cqworker.client import Client; Client.http('http://x'); print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True, timeout=scaled(30)
    )
    assert HEAVY & set(done.stdout.split()) == set()


def test_over_http_nothing_of_the_sdk_is_loaded() -> None:
    program = "import sys, cqworker.client.http_transport; print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True, timeout=scaled(30)
    )
    assert (HEAVY - {"aiohttp"}) & set(done.stdout.split()) == set()


def test_straight_to_the_services_nothing_of_the_http_server_is_loaded() -> None:
    program = "import sys, cqworker.client.direct_transport; print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True, timeout=scaled(30)
    )
    assert [name for name in done.stdout.split() if name.startswith(("aiohttp.web", "cqworker.web"))] == []

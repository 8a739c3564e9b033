"""Standard streams that are closed when the command begins."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.cli.running import COMMAND, plain_environment
from tests.patience import scaled
from tests.processes.supervisor import Supervisor

pytestmark = pytest.mark.processes

NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "CQWORKER_QUEUES": '[{"name": "jobs"}]',
}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no shell to close them")
@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_a_daemon_whose_standard_streams_are_closed_serves_and_ends_as_any_other(closed: str) -> None:
    supervisor = Supervisor()
    environment = {**plain_environment(), **NOWHERE, "NOTIFY_SOCKET": supervisor.path}
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *COMMAND, "run", "--port", "0"]
    with subprocess.Popen(shell, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as daemon:
        try:
            supervisor.hears("READY=1", 40)
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(scaled(30)) == 0
        finally:
            daemon.kill()
            supervisor.close()

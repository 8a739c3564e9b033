"""A daemon that cannot start says why in a sentence, and by its exit code whether to start it again."""

from __future__ import annotations

import socket

from tests.processes.site import Site


def test_a_misspelt_key_is_wrong_configuration_and_the_right_one_is_suggested(site: Site) -> None:
    done = site.changed(extra={"CQWORKER_WORKER__CONCURENCY": "3"}).run("run", "--port", "0")
    assert done.returncode == 78
    assert "CQWORKER_WORKER__CONCURRENCY" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_port_that_is_taken_may_be_free_later_and_what_to_do_is_said(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = site.run("run", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Cannot listen on 127.0.0.1:{port}: ")
    assert "Choose another http.port" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr

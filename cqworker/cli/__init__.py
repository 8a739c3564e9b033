"""The command line: `cqworker run dev demo submit jobs handlers config doctor provision bench`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and exit with its code.

    Programs that handlers start with `python -m` would import from the working directory first.
    """
    from cqworker.cli.standard_streams import open_closed_streams

    open_closed_streams()
    from cqworker.cli.init_process import become_init_if_first

    become_init_if_first()
    from cqworker.cli.early_stop import exit_on_early_stop

    exit_on_early_stop(sys.argv[1:])
    from cqworker.cli.process_exit import limit_wait_for_threads, skip_teardown

    skip_teardown()
    os.environ["PYTHONSAFEPATH"] = "1"
    from cqworker.cli.program import program

    try:
        program.main(prog_name="cqworker")
    except SystemExit as end:
        limit_wait_for_threads(end.code if isinstance(end.code, int) else 1)
        raise

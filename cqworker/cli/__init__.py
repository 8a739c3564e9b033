"""The command line: `cqworker run dev demo submit jobs handlers config doctor provision`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and exit with its code.

    Programs that handlers start with `python -m` would import from the working directory first.
    """
    from cqworker.cli.standard_streams import open_what_is_closed

    open_what_is_closed()
    from cqworker.cli.init_process import stand_by_if_first

    stand_by_if_first()
    from cqworker.cli.early_stop import heed_early_stops

    heed_early_stops(sys.argv[1:])
    from cqworker.cli.process_exit import bound_the_wait_for_threads, skip_the_teardown

    skip_the_teardown()
    os.environ["PYTHONSAFEPATH"] = "1"
    from cqworker.cli.program import program

    try:
        program.main(prog_name="cqworker")
    except SystemExit as end:
        bound_the_wait_for_threads(end.code if isinstance(end.code, int) else 1)
        raise

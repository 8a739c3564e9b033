"""The command line: `cqworker run dev demo submit jobs handlers config doctor provision`."""

from __future__ import annotations


def main() -> None:
    """Run the command line and exit with its code."""
    from cqworker.cli.program import program

    program.main(prog_name="cqworker")

"""`python -m cqworker` is the command line."""

from __future__ import annotations

from cqworker.cli import main

if __name__ == "__main__":
    main()

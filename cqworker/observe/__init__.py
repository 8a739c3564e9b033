"""Events in, log lines and numbers out."""

from __future__ import annotations

import importlib
import sys


def _import_structlog_lightly() -> None:
    """structlog loads rich, where it is there, for tracebacks that our lines word themselves: 3 MB and 80 ms."""
    if "structlog" in sys.modules or "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # what the import system takes for "not installed"
    try:
        importlib.import_module("structlog")
    finally:
        del sys.modules["rich"]


_import_structlog_lightly()

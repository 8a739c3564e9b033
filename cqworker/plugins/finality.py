"""What no other attempt can mend, told by the exception's class and by where it was raised."""

from __future__ import annotations

from cqworker.errors import SourceRefused


def is_final(error: BaseException, stage: str) -> bool:
    """Whether the same job would meet this error each time: a source that it may not read, a result that is no JSON."""
    return isinstance(error, SourceRefused) or (stage == "result" and isinstance(error, TypeError | ValueError))

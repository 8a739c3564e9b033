"""Which errors no other attempt can mend, by the exception's class and the stage in which it was raised."""

from __future__ import annotations

from cqworker.errors import ArtifactTooLarge, SourceRefused


def is_final_error(error: BaseException, stage: str) -> bool:
    """Whether the same job would meet this error each time, so that it FAILED at once.

    Such are: a source that it may not read, an object that is too large to be read or kept, a result that is no JSON.
    """
    if stage == "result" and isinstance(error, TypeError | ValueError):
        return True
    return isinstance(error, ArtifactTooLarge | SourceRefused)

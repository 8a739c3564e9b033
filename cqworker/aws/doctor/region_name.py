"""Whether there is a region of this name, as far as the SDK knows them."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from botocore.session import Session

from cqworker.aws.doctor.check_result import CheckResult


def check_region(region: str) -> Iterator[CheckResult]:
    """A warning, not an error: a region may be younger than the SDK, or be that of a service that resembles AWS."""
    session = Session()
    partitions = session.get_available_partitions()
    known = [each for partition in partitions for each in session.get_available_regions("sqs", partition)]
    if region in known:
        return
    close = get_close_matches(region, known, n=1)
    fix = f"Did you mean {close[0]}? Correct AWS_REGION." if close else "Correct AWS_REGION, such as eu-central-1."
    yield CheckResult("warning", "region", f'The SDK knows no region "{region}".', fix)

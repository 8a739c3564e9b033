"""Customer-managed KMS keys of queues, tables and buckets: the role needs rights on them that no check can try."""

from __future__ import annotations

from collections.abc import Iterator

from cqworker.aws.doctor.check_result import CheckResult

AWS_MANAGED = "alias/aws/"
"""Keys that AWS keeps for a service may be used by whoever may use the resource (KMS developer guide, key concepts)."""


def check_key(subject: str, key: str, *, perhaps: bool = False) -> Iterator[CheckResult]:
    """A hint where the key is customer-managed; `perhaps`: AWS does not say whether this one is."""
    if not key or AWS_MANAGED in key:
        return
    whose = ", if that is one of your own," if perhaps else ""
    fix = f"See that the role may do kms:Decrypt and kms:GenerateDataKey on it{whose}: without them every call fails."
    yield CheckResult("info", subject, f"It is encrypted with the KMS key {key}.", fix)

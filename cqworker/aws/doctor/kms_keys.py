"""Keys of one's own behind queues, tables and buckets: the role needs rights on them that no other check can try."""

from __future__ import annotations

from collections.abc import Iterator

from cqworker.aws.doctor.finding import Finding

OF_AWS = "alias/aws/"
"""Keys that AWS keeps for a service may be used by whoever may use the resource (KMS developer guide, key concepts)."""


def key_finding(subject: str, key: str, *, perhaps: bool = False) -> Iterator[Finding]:
    """A hint where there is a key of one's own; `perhaps`: AWS does not say whose this one is."""
    if not key or OF_AWS in key:
        return
    whose = ", if that is one of your own," if perhaps else ""
    fix = f"See that the role may do kms:Decrypt and kms:GenerateDataKey on it{whose}: without them every call fails."
    yield Finding("info", subject, f"It is encrypted with the KMS key {key}.", fix)

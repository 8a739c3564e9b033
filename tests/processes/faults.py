"""What can befall a daemon's services, how each is mended, and what /readyz must say meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from tests.processes.doors import Door, Refusal
from tests.processes.site import Site

JSON = "application/x-amz-json-1.0"
TOKEN = b"The security token included in the request is invalid."
REFUSALS: Mapping[str, Refusal] = {
    "SQS": (403, JSON, b'{"__type": "com.amazonaws.sqs#InvalidClientTokenId", "message": "%s"}' % TOKEN),
    "DYNAMODB": (400, JSON, b'{"__type": "com.amazon.coral.service#UnrecognizedClientException", "message": "x"}'),
    "S3": (403, "application/xml", b"<Error><Code>InvalidAccessKeyId</Code><Message>x</Message></Error>"),
}
"""How each service says that it does not know an access key."""
DENIALS: Mapping[str, Refusal] = {
    "DYNAMODB": (400, JSON, b'{"__type": "com.amazon.coral.service#AccessDeniedException", "message": "no"}'),
    "S3": (403, "application/xml", b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"),
}
"""How each says that the role may not."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A place whose services lie behind doors of its own."""

    place: Site
    doors: Mapping[str, Door]


def open_scene(place: Site, make_door: Callable[[str], Door]) -> Scene:
    doors = {service: make_door(place.aws["AWS_ENDPOINT_URL"]) for service in REFUSALS}
    extra = {f"AWS_ENDPOINT_URL_{service}": door.url for service, door in doors.items()}
    return Scene(place.changed(extra=extra), doors)


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of bad luck; `service`, `cause` and `remedy` are what /readyz must name."""

    strike: Callable[[Scene], None]
    mend: Callable[[Scene], None]
    service: str
    cause: str
    remedy: str


def _shut(service: str) -> Callable[[Scene], None]:
    return lambda scene: scene.doors[service].shut()


def _open(scene: Scene) -> None:
    for door in scene.doors.values():
        door.open()


def _disown(scene: Scene) -> None:
    for service, door in scene.doors.items():
        door.refuse(REFUSALS[service])


def _deny(service: str, words: bytes) -> Callable[[Scene], None]:
    """Takes away the right to make requests in whose heads these words stand."""
    return lambda scene: scene.doors[service].refuse(DENIALS[service], lambda head: words in head)


def _drop_bucket(scene: Scene) -> None:
    s3, bucket = scene.place.s3, scene.place.bucket
    with suppress(s3.exceptions.NoSuchBucket):
        for found in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
            s3.delete_object(Bucket=bucket, Key=found["Key"])
        s3.delete_bucket(Bucket=bucket)


def _drop_table(scene: Scene) -> None:
    dynamodb = scene.place.dynamodb
    with suppress(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.delete_table(TableName=scene.place.table)


def _drop_queue(scene: Scene) -> None:
    [name] = scene.place.queues
    with suppress(scene.place.sqs.exceptions.QueueDoesNotExist):
        scene.place.sqs.delete_queue(QueueUrl=scene.place.url_of(name))


def _provision(scene: Scene) -> None:
    scene.place.provision()


PROVISION = "Run `cqworker provision`"
FAULTS: Mapping[str, Fault] = {
    "SQS is away": Fault(_shut("SQS"), _open, "queue ", "SQS cannot be reached at", "AWS_ENDPOINT_URL"),
    "DynamoDB is away": Fault(_shut("DYNAMODB"), _open, "job store", "DynamoDB cannot be reached at", "AWS_ENDPOINT"),
    "wrong credentials": Fault(_disown, _open, "queue ", "does not accept the access key", "AWS_ACCESS_KEY_ID"),
    "no table": Fault(_drop_table, _provision, "job store", "There is no table", PROVISION),
    "no right to write records": Fault(
        _deny("DYNAMODB", b".UpdateItem"),
        _open,
        "job store",
        "may not do dynamodb:UpdateItem",
        "Allow dynamodb:UpdateIt",
    ),
    "no right to fetch objects": Fault(
        _deny("S3", b"GET /"), _open, "artifact store", "may not do s3:GetObject", "Allow s3:GetObject"
    ),
    "no right to store objects": Fault(
        _deny("S3", b"PUT /"), _open, "artifact store", "may not do s3:PutObject", "Allow s3:PutObject"
    ),
    "no bucket": Fault(_drop_bucket, _provision, "artifact store", "There is no bucket", PROVISION),
    "no queue": Fault(_drop_queue, _provision, "queue ", "There is no queue", PROVISION),
}

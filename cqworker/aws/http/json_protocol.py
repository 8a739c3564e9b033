"""AWS JSON 1.0: the name of an operation, and the content of an answer, as the SDK would have read it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Any

import orjson
from botocore.exceptions import ClientError

from cqworker.aws.aws_call import Answer
from cqworker.aws.error_translation import Garbled
from cqworker.aws.http.response_parser import HttpResponse
from cqworker.aws.operations import Operation

TARGET_PREFIXES = {"sqs": "AmazonSQS", "dynamodb": "DynamoDB_20120810"}


def target_of(operation: Operation) -> str:
    """The operation's name on the wire."""
    return f"{TARGET_PREFIXES[operation.service]}.{operation.name}"


def answer_from(response: HttpResponse, operation: Operation) -> Answer:
    """The answer; raises ClientError for a refusal, with what the service answered, and Garbled."""
    checksum = response.headers.get("x-amz-crc32")
    if checksum is not None and checksum != str(zlib.crc32(response.body)):
        raise Garbled(reason="its CRC-32 is wrong")
    if response.status >= 300:
        raise ClientError(_error_response(response), operation.name)  # type: ignore[arg-type]
    content = _parse_object(response.body)
    if content is None:
        raise Garbled(reason="it is no JSON object")
    return {**content, "ResponseMetadata": _response_metadata(response)}


def _parse_object(body: bytes) -> dict[str, Any] | None:
    """A JSON object without its nulls, which the SDK leaves out, too."""
    try:
        content = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        return None
    return {name: value for name, value in content.items() if value is not None} if isinstance(content, dict) else None


def _error_response(response: HttpResponse) -> dict[str, Any]:
    content = _parse_object(response.body)
    if content is None:
        content = _parse_xml_error(response.body.decode("utf-8", "replace"))
    error = {"Code": _error_code(content, response), "Message": str(content.get("message", content.get("Message", "")))}
    return {**content, "Error": error, "ResponseMetadata": _response_metadata(response)}


def _parse_xml_error(text: str) -> dict[str, Any]:
    """What a refusal says in the older protocol's XML, as proxies and emulators still speak it; else the text."""
    found = {name: match[1] for name in ("Code", "Message") if (match := re.search(rf"<{name}>([^<]*)</{name}>", text))}
    code = {"__type": found["Code"]} if found.get("Code") else {}
    return {**code, "message": found.get("Message", "") if code else text}


def _response_metadata(response: HttpResponse) -> dict[str, object]:
    return {
        "RequestId": response.headers.get("x-amzn-requestid", ""),
        "HTTPStatusCode": response.status,
        "HTTPHeaders": response.headers,
    }


def _error_code(content: Mapping[str, Any], response: HttpResponse) -> str:
    """`com.amazonaws.sqs#QueueDoesNotExist:http://…`, in its older spelling where the service gives one."""
    older, separator, _ = response.headers.get("x-amzn-query-error", "").partition(";")
    if older and separator:
        return older
    return str(content.get("__type") or response.status).partition(":")[0].rpartition("#")[2]

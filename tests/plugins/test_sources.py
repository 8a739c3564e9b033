"""Which references a job may read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from cqworker import Source
from cqworker.errors import SourceRefused
from cqworker.model.source_reference import MAX_KEY_BYTES, places_overlap, resolve_source, split_reference

ALLOWED = ("s3://photos/in", "s3://archive", "s3://deep/a/b/")


def reference(key: str) -> str:
    return f"s3://results/own/{key}"


def resolved(source: str, allowed: tuple[str, ...] = ALLOWED, tenant: str = "acme") -> str:
    return resolve_source(source, tenant, reference, allowed)


def test_an_artifact_is_an_upload_of_the_jobs_tenant() -> None:
    assert resolved("artifact:018f-a_B") == "s3://results/own/uploads/acme/018f-a_B"


@pytest.mark.parametrize("identifier", ["", "a/b", "..", "../other/x", "a b", "ä", "a\n", "%2e", "x" * 65, "a\x00"])
def test_an_artifacts_id_cannot_lead_elsewhere(identifier: str) -> None:
    with pytest.raises(SourceRefused, match="artifact's id"):
        resolved(f"artifact:{identifier}")


@pytest.mark.parametrize(
    "source",
    [
        "s3://photos/in/a.jpg",
        "s3://photos/in/deeper/a.jpg",
        "s3://photos/in",
        "s3://archive/anything",
        "s3://deep/a/b/c",
        "s3://archive/Größe ½/été.jpg",
        "s3://archive/日本語/写真.png",
        "s3://archive/a..b/...jpg/100%.png",
        "s3://archive/with space+plus?query#hash",
        "s3://photos/in/Holiday… day 2.jpg",
        "s3://photos/in/👩\u200d🚀 and 🏴\U000e0067\U000e0062\U000e0065\U000e007f.png",
        "s3://photos/in/a%2Bb.jpg",
        "s3://photos/in/http%3A%2F%2Fexample.org%2F%C3%A9.png",
        "s3://photos/in/℀ ½ ﬁ\uff0ejpg",
        "s3://photos/in/cafe\u0301.jpg",
        "s3://photos/in/\u202eرسم.png",
        "s3://photos/in/C:\\scans\\a.png",
        "s3://photos/in/1\u22152.jpg",
        "s3://photos/in//a.jpg",
        "s3://photos/in/folder/",
        "s3://archive//a.jpg",
        "s3://photos/in/.../.hidden/a..b.",
    ],
)
def test_what_lies_below_an_allowed_place_is_read(source: str) -> None:
    assert resolved(source) == source


@pytest.mark.parametrize(
    "source",
    [
        "s3://photos/inbox/a.jpg",
        "s3://photos/other",
        "s3://photos/In/a.jpg",
        "s3://photos2/in/a.jpg",
        "s3://deep/a/bc",
        "s3://deep/a",
    ],
)
def test_what_lies_elsewhere_is_refused(source: str) -> None:
    with pytest.raises(SourceRefused, match=r"artifacts\.sources"):
        resolved(source)


@pytest.mark.parametrize("allowed", [(), ("",), ("s3://",), ("photos/in",), ("s3://photos/in/x",), ("S3://photos",)])
def test_a_place_that_is_not_spelt_out_allows_nothing(allowed: tuple[str, ...]) -> None:
    with pytest.raises(SourceRefused):
        resolved("s3://photos/in/a.jpg", allowed)


@pytest.mark.parametrize("key", ["own/uploads/other/018f", "own/uploads/acme/018f", "own/job/1-1.png", "own"])
@pytest.mark.parametrize("allowed", ["s3://results", "s3://results/own", "s3://results/own/job"])
def test_what_jobs_store_is_never_reached_by_its_key(key: str, allowed: str) -> None:
    with pytest.raises(SourceRefused, match="artifact:<id>"):
        resolved(f"s3://results/{key}", allowed=(allowed,))


def test_what_lies_beside_the_artifacts_is_read() -> None:
    assert resolved("s3://results/owned/a.jpg", allowed=("s3://results",)) == "s3://results/owned/a.jpg"


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("s3://results", "s3://results/own/", True),
        ("s3://results/", "s3://results/own/", True),
        ("s3://results//", "s3://results/own/", True),
        ("s3://results/own", "s3://results/own/", True),
        ("s3://results/own/uploads/acme", "s3://results/own/", True),
        ("s3://results/in", "s3://results/", True),
        ("s3://results/owned", "s3://results/own/", False),
        ("s3://results/in/", "s3://results/own/", False),
        ("s3://result", "s3://results/", False),
    ],
)
def test_two_places_overlap_where_one_lies_in_the_other(one: str, other: str, shared: bool) -> None:
    assert places_overlap(one, other) is places_overlap(other, one) is shared


@pytest.mark.parametrize(
    "source",
    [
        "",
        "photos/in/a.jpg",
        "http://photos/in/a.jpg",
        "S3://photos/in/a.jpg",
        "s3:/photos/in/a.jpg",
        "s3:photos/in/a.jpg",
        " s3://photos/in/a.jpg",
        "s3:///in/a.jpg",
        "s3://photos",
        "s3://photos/",
        "s3://pH/in/a.jpg",
        "s3://ph/in/a.jpg",
        "s3://ph\u043etos/in/a.jpg",
        "s3://user@photos/in/a.jpg",
        "s3://photos:443/in/a.jpg",
        "s3://photos/in/../secret",
        "s3://photos/in/./a.jpg",
        "s3://photos/in/..",
        "s3://photos/in//../secret",
        "s3://photos/in/%2e%2E/secret",
        "s3://photos/in/.%2e/secret",
        "s3://photos/in/a\x00.jpg",
        "s3://photos/in/a\n.jpg",
        "s3://photos/in/a\x7f.jpg",
        "s3://photos/in/a\x85.jpg",
        "s3://photos/in/\ud800",
        "s3://photos/in/" + "x" * MAX_KEY_BYTES,
        "s3://photos/in/" + "ä" * (MAX_KEY_BYTES // 2),
    ],
)
def test_what_does_not_come_through_or_might_lead_elsewhere_is_refused(source: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        resolved(source)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 1000


def test_a_key_may_have_1024_bytes() -> None:
    assert split_reference("s3://bucket/" + "x" * MAX_KEY_BYTES) == ("bucket", "x" * MAX_KEY_BYTES)


@given(st.text() | st.builds("s3://photos/in/{}".format, st.text()) | st.builds("artifact:{}".format, st.text()))
def test_any_text_is_refused_or_lies_below_an_allowed_place(source: str) -> None:
    try:
        found = resolved(source)
    except SourceRefused:
        return
    assert found.startswith(("s3://photos/in/", "s3://results/own/uploads/acme/"))
    assert not {".", ".."} & set(found.split("/"))


class Payload(BaseModel):
    source: Source


def test_a_payloads_source_is_read_as_text_and_refused_with_the_reason() -> None:
    assert Payload.model_validate_json('{"source": "s3://photos/in/a%2Bb…"}').source == "s3://photos/in/a%2Bb…"
    for text in ("s3://photos/in/../x", "artifact:../x", "http://host/x", "x" * 2000):
        with pytest.raises(ValidationError) as refused:
            Payload(source=Source(text))
        assert [fault["loc"] for fault in refused.value.errors()] == [("source",)]


def test_a_payloads_schema_tells_what_a_source_is() -> None:
    schema = Payload.model_json_schema()["properties"]["source"]
    assert schema["type"] == "string"
    assert re.fullmatch(schema["pattern"], "s3://photos/in/a%2Bb…")
    assert re.fullmatch(schema["pattern"], "artifact:7f")
    assert not re.fullmatch(schema["pattern"], "file:///etc/passwd")
    assert "letter" in schema["description"]

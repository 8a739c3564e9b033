"""What is said of credentials that cannot be had: which provider, which file, which address, and what mends it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from aiohttp import web

from cqworker.aws.aws_identity import find_identity
from cqworker.aws.clients import AwsClients
from cqworker.aws.doctor import inspect
from cqworker.clock import SystemClock
from cqworker.events import ServiceCalled, ignore
from cqworker.settings import Settings
from tests.aws.homes import NOBODY, Home, fault_of, handing_out
from tests.aws.stub import Seen, serving

KEYS = '"Version": 1, "AccessKeyId": "ASIATEST", "SecretAccessKey": "canary-secret", "SessionToken": "t"'
ARN = "arn:aws:iam::123456789012:role/worker"


def expired(home: Home) -> None:
    home.helper(f"""echo '{{{KEYS}, "Expiration": "2020-01-01T00:00:00Z"}}'""")


def chatty(home: Home) -> None:
    home.helper("echo hello")


def absent(home: Home) -> None:
    home.say("[default]\ncredential_process = /nonexistent/helper\n")


def timeless(home: Home) -> None:
    home.helper(f"""echo '{{{KEYS}, "Expiration": "soon"}}'""")


def unwilling(home: Home) -> None:
    home.helper("echo 'no session, log in first' >&2; exit 3")


def binary(home: Home) -> None:
    home.helper(r"printf '\377\376'")


def keyless(home: Home) -> None:
    home.helper("""echo '{"Version": 1, "AccessKeyId": "A"}'""")


def circle(home: Home) -> None:
    role = "role_arn = " + ARN
    home.say(
        f"[profile a]\n{role}\nsource_profile = b\n[profile b]\n{role}\nsource_profile = a\n",
        AWS_PROFILE="a",
    )


def coded(home: Home) -> None:
    home.say(
        f"[profile a]\nrole_arn = {ARN}\nsource_profile = b\nmfa_serial = arn:aws:iam::1:mfa/me\n"
        "[profile b]\naws_access_key_id = A\naws_secret_access_key = s\n",
        AWS_PROFILE="a",
    )


def profileless(home: Home) -> None:
    home.say(AWS_PROFILE="nobody")


def tokenless(home: Home) -> None:
    home.say(AWS_WEB_IDENTITY_TOKEN_FILE="/nonexistent/token", AWS_ROLE_ARN=ARN)


def no_sts(home: Home) -> None:
    token = home.place / "token"
    token.write_text("token-of-the-cluster")
    home.say(AWS_WEB_IDENTITY_TOKEN_FILE=str(token), AWS_ROLE_ARN=ARN, AWS_ENDPOINT_URL_STS=NOBODY)


def podless(home: Home) -> None:
    home.say(
        AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{NOBODY}/c",
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="/nonexistent/token",
    )


def foreign(home: Home) -> None:
    home.say(AWS_CONTAINER_CREDENTIALS_FULL_URI="http://example.com/c")


def silent_container(home: Home) -> None:
    home.say(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{NOBODY}/c")


def nothing(home: Home) -> None:
    home.say()


def half(home: Home) -> None:
    home.say(AWS_ACCESS_KEY_ID="A")


def broken_key(home: Home) -> None:
    home.say(AWS_ACCESS_KEY_ID="AKIA\n", AWS_SECRET_ACCESS_KEY="s")


def broken_secret(home: Home) -> None:
    home.say(AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY="canary\n")


def broken_token(home: Home) -> None:
    home.say(AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY="s", AWS_SESSION_TOKEN="canary\r\nX-Evil: 1")


def unreadable_end(home: Home) -> None:
    home.say(AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY="s", AWS_CREDENTIAL_EXPIRATION="whenever")


CAUSES: list[tuple[Callable[[Home], None], tuple[str, ...]]] = [
    (expired, ("credential_process", "helper", 'profile "default"', "expired")),
    (chatty, ("helper", "no JSON")),
    (absent, ("/nonexistent/helper does not exist",)),
    (timeless, ("helper", "Expiration is no date", "soon")),
    (unwilling, ("helper", "no session, log in first")),
    (binary, ("helper", "no UTF-8")),
    (keyless, ("helper", "SecretAccessKey")),
    (circle, ('profile "a"', "source_profile runs in a circle", "a → b → a")),
    (coded, ('profile "a"', "MFA code", "arn:aws:iam::1:mfa/me", "nobody can type")),
    (profileless, ("profile", "nobody", "AWS_PROFILE")),
    (tokenless, ("web identity token /nonexistent/token", ARN, "does not exist")),
    (no_sts, ("web identity token", f"{NOBODY} cannot be reached", "STS")),
    (podless, (f"container's endpoint {NOBODY}/c", "/nonexistent/token does not exist")),
    (foreign, ("container's endpoint http://example.com/c", "Unsupported host 'example.com'")),
    (nothing, ("No AWS credentials were found", "AWS_PROFILE")),
    (half, ("the environment", "AWS_SECRET_ACCESS_KEY")),
    (broken_key, ("the environment", "the key id holds a blank or a line break")),
    (broken_secret, ("the environment", "the secret key holds a blank or a line break")),
    (broken_token, ("the environment", "the token holds a blank or a line break")),
    (unreadable_end, ("the environment", "Expiration is no date")),
]


@pytest.mark.parametrize(("spoil", "words"), CAUSES, ids=[spoil.__name__ for spoil, _ in CAUSES])
async def test_a_fault_of_the_credentials_is_told_in_words_of_its_own(
    clients: AwsClients, calls: list[ServiceCalled], home: Home, spoil: Callable[[Home], None], words: tuple[str, ...]
) -> None:
    spoil(home)
    fault = await fault_of(clients)
    for word in words:
        assert word in str(fault)
    assert (fault.service, fault.ambiguous) == ("credentials", False)
    assert "DynamoDB" not in fault.cause
    assert "canary" not in str(fault)
    assert fault.cause.endswith(".")
    assert fault.remedy.endswith(".")
    assert [call.result != "ok" for call in calls] == [True]


@pytest.mark.parametrize(("spoil", "words"), CAUSES[:3] + CAUSES[-2:], ids=["1", "2", "3", "4", "5"])
async def test_an_inspection_has_a_row_for_the_credentials_that_says_no(
    home: Home, spoil: Callable[[Home], None], words: tuple[str, ...]
) -> None:
    spoil(home)
    async with AwsClients(ignore, lean=False) as clients:
        [finding] = await inspect(clients, Settings(), 1, SystemClock())
    assert (finding.level, finding.subject) == ("error", "credentials")
    for word in words:
        assert word in f"{finding.what} {finding.fix}"


async def test_an_inspection_says_ok_of_keys_that_it_has_seen(home: Home) -> None:
    handing_out(home, "ASIA", 3600)
    who = await find_identity()
    assert (who.provider, who.fault) == ("custom-process", None)


async def test_a_refusal_of_sts_is_told_without_what_it_says_of_signatures(clients: AwsClients, home: Home) -> None:
    refusal = "<ErrorResponse><Error><Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"
    said = [
        ("AccessDenied", "Not authorized to do this"),
        ("InvalidIdentityToken", "No OIDC provider"),
    ]
    for code, message in said:

        async def judge(_: Seen) -> web.StreamResponse:
            return web.Response(status=403, text=refusal.format(code, message), content_type="text/xml")  # noqa: B023

        async with serving(judge) as sts, AwsClients(ignore) as fresh:
            no_sts(home)
            use = {"AWS_ENDPOINT_URL_STS": sts.url, "AWS_ROLE_ARN": ARN}
            home.say(AWS_WEB_IDENTITY_TOKEN_FILE=str(home.place / "token"), **use)
            fault = await fault_of(fresh)
            assert f"AWS refuses AssumeRoleWithWebIdentity with {code}: {message}" in fault.cause
            assert "trust policy" in fault.remedy

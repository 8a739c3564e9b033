"""What the SDK's variables say of every call, through the SDK or past it: how often it is tried, who is calling."""

from __future__ import annotations

import re

from aiobotocore.session import AioSession
from botocore.exceptions import InvalidConfigError

from cqworker.aws.call_limits import MAX_TRIES

USER_AGENT = "cqworker"
NOT_A_TOKEN = re.compile(r"[^A-Za-z0-9!#$%&'*+.^_`|~-]")
"""What no part of a User-Agent may hold (RFC 9110, 5.6.2)."""


def max_tries_of(session: AioSession) -> int:
    """AWS_MAX_ATTEMPTS, or `max_attempts` of the profile: all tries of a call, the first included."""
    try:
        value = session.get_config_variable("max_attempts")
    except ValueError as error:
        raise InvalidConfigError(error_msg=f"AWS_MAX_ATTEMPTS is no whole number: {error}") from None
    return MAX_TRIES if value is None else max(1, int(value))


def user_agent_of(session: AioSession) -> str:
    """Our name, and AWS_SDK_UA_APP_ID, or `sdk_ua_app_id` of the profile, as the SDK writes it behind its own."""
    value = session.get_config_variable("user_agent_appid")
    return f"{USER_AGENT} app/{NOT_A_TOKEN.sub('-', str(value))}" if value else USER_AGENT

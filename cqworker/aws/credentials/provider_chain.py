"""The SDK's chain of credential providers, searched with a note of which was asked."""

from __future__ import annotations

from asyncio import create_subprocess_exec
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, Protocol

from aiobotocore.session import AioSession
from botocore.exceptions import UnknownCredentialError

from cqworker.aws.credentials_error import CodeNeeded


class FrozenCredentials(Protocol):
    """Credentials at one moment, as the SDK freezes them."""

    @property
    def access_key(self) -> str:
        """The access key's id."""
        ...

    @property
    def secret_key(self) -> str:
        """The secret access key."""
        ...

    @property
    def token(self) -> str | None:
        """The session token, None for keys that do not expire."""
        ...


class ChainSearch:
    """One search through the chain of `session`; `provider` is the SDK's name of the provider that was asked last."""

    def __init__(self, session: AioSession) -> None:
        self.session = session
        self.provider: str = ""
        self._helpers: list[Process] = []

    async def find(self) -> Any | None:
        """What the first provider that has anything has, None where none has; raises whatever a provider raises."""
        chain = self.session.get_component("credential_provider")
        # the SDK would read an MFA code from the terminal, and the event loop stand still until somebody types it
        _replace_tool(chain, "assume-role", "_prompter", _refuse_prompt)
        _replace_tool(chain, "custom-process", "_popen", self._start_helper)
        for provider in chain.providers:
            self.provider = provider.METHOD
            found = await provider.load()
            if found is not None:
                return found
        return None

    async def close(self) -> None:
        """Ends the helper programs (credential_process) that still run: nobody waits for their answer any more."""
        for helper in self._helpers:
            if helper.returncode is None:
                with suppress(ProcessLookupError):
                    helper.kill()
                await helper.wait()
        self._helpers.clear()

    async def _start_helper(self, *command: str, **how: Any) -> Process:
        helper = await create_subprocess_exec(*command, **how)
        self._helpers.append(helper)
        return helper


def _replace_tool(chain: Any, method: str, name: str, tool: Callable[..., Any]) -> None:
    """Gives a provider a tool that its constructor takes, and that the SDK's own chain leaves at its default."""
    with suppress(UnknownCredentialError):
        vars(chain.get_provider(method))[name] = tool


def _refuse_prompt(prompt: str) -> NoReturn:
    raise CodeNeeded(device=prompt.removeprefix("Enter MFA code for").strip(" :"))

"""The credentials that all calls are signed with: fetched once for all, cached while they last, with a backoff."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any

from aiobotocore.session import AioSession

from cqworker.aws.credentials.diagnosis import diagnose, no_answer, no_credentials, unusable_credentials
from cqworker.aws.credentials.provider_chain import ChainSearch, FrozenCredentials
from cqworker.aws.credentials_error import CredentialsError

FETCH_SECONDS = 30.0
"""Seconds that one fetch may take: EC2's metadata service is asked up to five times for 2 s, and that twice."""
RUNNING_CALL_SECONDS = 3.0
"""Seconds that a call under way waits for a fetch; one that begins waits for most of its own time."""
EXPIRY_CHECK_SECONDS = 1.0
"""Seconds between two looks at when the keys expire."""
FIRST_BACKOFF_SECONDS = 1.0
"""Seconds between two fetches that bring nothing new, for all calls together; doubled with each."""
MAX_BACKOFF_SECONDS = 15.0
"""The longest that becomes."""
SETTLING_SECONDS = 5.0
"""Seconds after new keys have come in which nobody asks again: it takes that long until all services know them."""
BLANK = re.compile(r"[\s\x00-\x1f\x7f]")


class CredentialsCache:
    """What the SDK's clients and the JSON client take for their credentials.

    While there are valid keys, no call waits for new ones: they are replaced in the background when they come near
    their end, or when a service has refused them and the chain gives others. `new_session` makes a session whose
    chain is searched.
    """

    method = None
    """The SDK asks its credentials for the name of their provider."""

    def __init__(self, new_session: Callable[[], AioSession]) -> None:
        self._new_session = new_session
        self._found: Any = None
        self.keys: FrozenCredentials | None = None
        """The keys that were found last."""
        self._fault: CredentialsError | None = None
        self._search = self._found_in = ChainSearch(new_session())
        self._fetch: asyncio.Task[None] | None = None
        self._fresh_until = float("-inf")
        self._next_fetch_at = float("-inf")
        self._fruitless = 0

    @property
    def provider(self) -> str:
        """The SDK's name of the provider that was asked last."""
        return self._search.provider

    @property
    def has_fresh(self) -> bool:
        """There are keys, and their end was looked at a moment ago."""
        return time.monotonic() < self._fresh_until

    async def get_frozen_credentials(self) -> FrozenCredentials:
        """The keys; the SDK's name for it. Raises CredentialsError."""
        if self.keys is not None and time.monotonic() < self._fresh_until:
            return self.keys
        return await self.wait_for(RUNNING_CALL_SECONDS)

    async def get_account_id(self) -> str | None:
        """The account that the provider says the keys belong to, for endpoints that name one."""
        return getattr(await self.get_frozen_credentials(), "account_id", None)

    def get_deferred_property(self, name: str) -> Callable[[], Any]:
        """A property as the SDK's endpoint rules ask for it, when they need it; they know the account alone."""
        return self.get_account_id if name == "account_id" else lambda: None

    async def load_credentials(self) -> CredentialsCache:
        """Itself: a session that has this for its chain gives it to its clients."""
        return self

    async def wait_for(self, seconds: float) -> FrozenCredentials:
        """The keys, after `seconds` of waiting at most; raises CredentialsError."""
        keys = self._valid_keys()
        if keys is None:
            await self._wait_for_fetch(seconds)
            keys = self._valid_keys()
        elif self._expire_within(None):
            self._start_fetch(anew=False)
        if keys is None:
            raise self._current_error(seconds)
        self._fresh_until = time.monotonic() + EXPIRY_CHECK_SECONDS
        return keys

    async def replace_refused(self, refused: FrozenCredentials | None, seconds: float) -> bool:
        """Replaces keys that a service refused, within `seconds`; whether there are others by now.

        The chain is searched anew, unless that was done a moment ago; its keys replace the refused only if they differ.
        """
        if self.keys == refused:
            await self._wait_for_fetch(seconds, anew=True)
        return self.keys is not None and self.keys != refused

    async def close(self) -> None:
        """Ends a fetch that is under way."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait({self._fetch})

    def _valid_keys(self) -> FrozenCredentials | None:
        return None if self._expire_within(0) else self.keys

    def _expire_within(self, seconds: int | None) -> bool:
        """Whether the keys end within so many seconds, or within the quarter of an hour that the SDK thinks ahead."""
        if self.keys is None:
            return True
        judge = getattr(self._found, "refresh_needed", None)  # keys of the environment or a file have no end
        return bool(judge(seconds)) if judge else False

    def _current_error(self, seconds: float) -> CredentialsError:
        if self._fetch is not None or self._fault is None:
            return no_answer(self._search.session, self._search.provider, seconds)
        return CredentialsError(cause=self._fault.cause, remedy=self._fault.remedy, code=self._fault.code)

    async def _wait_for_fetch(self, seconds: float, *, anew: bool = False) -> None:
        """Waits for the fetch that is under way or due; one that brought nothing a moment ago is not repeated."""
        self._start_fetch(anew=anew)
        if self._fetch is not None:
            await asyncio.wait({self._fetch}, timeout=seconds)

    def _start_fetch(self, *, anew: bool) -> None:
        """Starts a fetch if one is due, as a task of its own: it ends with no call and has no call's context."""
        due = time.monotonic() >= self._next_fetch_at or (self._fault is None and self._valid_keys() is None)
        if self._fetch is None and due:
            work = self._run_fetch(anew=anew)
            self._fetch = asyncio.get_running_loop().create_task(work, context=Context())

    async def _run_fetch(self, *, anew: bool) -> None:
        before = self.keys
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                await self._fetch_keys(anew=anew)
        except TimeoutError:
            self._fault = no_answer(self._search.session, self._search.provider, FETCH_SECONDS)
        except CredentialsError as fault:
            self._fault = fault
        except Exception as error:  # noqa: BLE001 - whatever a provider raises is the credentials' fault
            self._fault = diagnose(self._search.session, self._search.provider, error)
        else:
            self._fault = None
        finally:
            await self._search.close()
            self._fetch = None
            self._fresh_until = float("-inf")
            self._back_off(before)

    async def _fetch_keys(self, *, anew: bool) -> None:
        """Keys of the provider that had the last ones while they live; else of whichever in the chain has any."""
        if anew or self._found is None or self._valid_keys() is None:
            search = self._search = ChainSearch(self._new_session()) if self._search.provider else self._search
            found = await search.find()
        else:
            search, found = self._found_in, self._found
            self._search = search
        if found is None:
            raise no_credentials(search.session)
        keys: FrozenCredentials = await found.get_frozen_credentials()
        for name, value in (("key id", keys.access_key), ("secret key", keys.secret_key), ("token", keys.token)):
            if value is not None and BLANK.search(value):
                raise unusable_credentials(search.session, search.provider, f"the {name} holds a blank or a line break")
        self._found_in, self._found, self.keys = search, found, keys

    def _back_off(self, before: FrozenCredentials | None) -> None:
        """The first keys may be doubted at once; after others came, or none, the chain is left alone for a while."""
        news = self.keys != before
        pause = SETTLING_SECONDS if news else min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2**self._fruitless)
        self._fruitless = 0 if news else min(self._fruitless + 1, 10)
        self._next_fetch_at = time.monotonic() + (0.0 if before is None and news else pause)

"""The keys that all calls are signed with: fetched once for all, kept while they live, asked for with a backoff."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any

from aiobotocore.session import AioSession

from cqworker.aws.credentials.diagnosis import late, nowhere, unusable, worded
from cqworker.aws.credentials.provider_chain import Keys, Walk
from cqworker.aws.credentials_error import CredentialsError

FETCH = 30.0
"""Seconds that one fetch may take: EC2's metadata service is asked up to five times for 2 s, and that twice."""
PATIENCE = 3.0
"""Seconds that a call under way waits for a fetch; one that begins waits for most of its own time."""
LOOK = 1.0
"""Seconds between two looks at when the keys expire."""
FIRST, LONGEST = 1.0, 15.0
"""Seconds between two fetches that bring nothing new, doubled from the first to the longest: for all calls together."""
AFTER_NEWS = 5.0
"""Seconds after other keys have come in which nobody asks again: it takes that long until all services know them."""
BLANK = re.compile(r"[\s\x00-\x1f\x7f]")


class Keyring:
    """What the SDK's clients and the lean path take for their credentials.

    Where keys live, no call waits for others: they are replaced behind its back when they come near their end, or
    when a service has refused them and the chain gives others. `new_session` makes what walks the chain.
    """

    method = None
    """The SDK asks its credentials for the name of their provider."""

    def __init__(self, new_session: Callable[[], AioSession]) -> None:
        self._new_session = new_session
        self._found: Any = None
        self.keys: Keys | None = None
        """The keys that were found last."""
        self._fault: CredentialsError | None = None
        self._walk = self._found_by = Walk(new_session())
        self._fetch: asyncio.Task[None] | None = None
        self._good_until = float("-inf")
        self._rest_until = float("-inf")
        self._in_vain = 0

    @property
    def provider(self) -> str:
        """The SDK's name of the provider that was asked last."""
        return self._walk.asked

    @property
    def at_hand(self) -> bool:
        """There are keys, and nobody need look at them for the moment."""
        return time.monotonic() < self._good_until

    async def get_frozen_credentials(self) -> Keys:
        """The keys; the SDK's name for it. Raises CredentialsError."""
        if self.keys is not None and time.monotonic() < self._good_until:
            return self.keys
        return await self.within(PATIENCE)

    async def get_account_id(self) -> str | None:
        """The account that the provider says the keys belong to, for endpoints that name one."""
        return getattr(await self.get_frozen_credentials(), "account_id", None)

    def get_deferred_property(self, name: str) -> Callable[[], Any]:
        """A property as the SDK's endpoint rules ask for it, when they need it; they know the account alone."""
        return self.get_account_id if name == "account_id" else lambda: None

    async def load_credentials(self) -> Keyring:
        """Itself: a session that has this for its chain gives it to its clients."""
        return self

    async def within(self, seconds: float) -> Keys:
        """The keys, waited for no longer than that; raises CredentialsError."""
        keys = self._living()
        if keys is None:
            await self._fetched(seconds)
            keys = self._living()
        elif self._is_needed(None):
            self._begin(anew=False)
        if keys is None:
            raise self._trouble(seconds)
        self._good_until = time.monotonic() + LOOK
        return keys

    async def renewed(self, refused: Keys | None, seconds: float) -> bool:
        """Whether there are others by now than those that a service refused.

        The chain is walked anew, unless that was done a moment ago; its keys replace the refused only if they differ.
        """
        if self.keys == refused:
            await self._fetched(seconds, anew=True)
        return self.keys is not None and self.keys != refused

    async def close(self) -> None:
        """Ends a fetch that is under way."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait({self._fetch})

    def _living(self) -> Keys | None:
        return None if self._is_needed(0) else self.keys

    def _is_needed(self, seconds: int | None) -> bool:
        """Whether the keys end within so many seconds, or within the quarter of an hour that the SDK thinks ahead."""
        if self.keys is None:
            return True
        judge = getattr(self._found, "refresh_needed", None)  # keys of the environment or a file have no end
        return bool(judge(seconds)) if judge else False

    def _trouble(self, seconds: float) -> CredentialsError:
        if self._fetch is not None or self._fault is None:
            return late(self._walk.session, self._walk.asked, seconds)
        return CredentialsError(cause=self._fault.cause, remedy=self._fault.remedy, code=self._fault.code)

    async def _fetched(self, seconds: float, *, anew: bool = False) -> None:
        """Waits for the fetch that is under way or due; one that was in vain a moment ago is not repeated."""
        self._begin(anew=anew)
        if self._fetch is not None:
            await asyncio.wait({self._fetch}, timeout=seconds)

    def _begin(self, *, anew: bool) -> None:
        """Begins a fetch if one is due, on nobody's behalf: it ends with no call and has no call's context."""
        due = time.monotonic() >= self._rest_until or (self._fault is None and self._living() is None)
        if self._fetch is None and due:
            work = self._renew(anew=anew)
            self._fetch = asyncio.get_running_loop().create_task(work, context=Context())

    async def _renew(self, *, anew: bool) -> None:
        before = self.keys
        try:
            async with asyncio.timeout(FETCH):
                await self._take(anew=anew)
        except TimeoutError:
            self._fault = late(self._walk.session, self._walk.asked, FETCH)
        except CredentialsError as fault:
            self._fault = fault
        except Exception as error:  # noqa: BLE001 - whatever a provider raises is the credentials' fault
            self._fault = worded(self._walk.session, self._walk.asked, error)
        else:
            self._fault = None
        finally:
            await self._walk.end()
            self._fetch = None
            self._good_until = float("-inf")
            self._rest(before)

    async def _take(self, *, anew: bool) -> None:
        """Keys of the provider that had the last ones while they live; else of whichever in the chain has any."""
        if anew or self._found is None or self._living() is None:
            walk = self._walk = Walk(self._new_session()) if self._walk.asked else self._walk
            found = await walk.find()
        else:
            walk, found = self._found_by, self._found
            self._walk = walk
        if found is None:
            raise nowhere(walk.session)
        keys: Keys = await found.get_frozen_credentials()
        for name, value in (("key id", keys.access_key), ("secret key", keys.secret_key), ("token", keys.token)):
            if value is not None and BLANK.search(value):
                raise unusable(walk.session, walk.asked, f"the {name} holds a blank or a line break")
        self._found_by, self._found, self.keys = walk, found, keys

    def _rest(self, before: Keys | None) -> None:
        """The first keys may be doubted at once; after others came, or none, the chain is left alone for a while."""
        news = self.keys != before
        pause = AFTER_NEWS if news else min(LONGEST, FIRST * 2**self._in_vain)
        self._in_vain = 0 if news else min(self._in_vain + 1, 10)
        self._rest_until = time.monotonic() + (0.0 if before is None and news else pause)

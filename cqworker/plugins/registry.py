"""The registry: every job type this worker can run, and every plugin that it cannot use."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cqworker.model.operations import RESERVED_PREFIX, is_internal
from cqworker.plugins.entry_points import Offer, installed_offers, load_object, refuse_conflicts
from cqworker.plugins.handler import DEFAULT_ATTEMPTS
from cqworker.plugins.loaded_handlers import BrokenPlugin, Handler, Origin, read_handler
from cqworker.plugins.signature import Unusable
from cqworker.settings import HandlerSettings

DEFAULT_SETTINGS = HandlerSettings()
OTHER_NAME = "Give its entry point a name that begins with your own: acme.report, not cqworker.report."
"""What mends a job type that only the product may have."""


@dataclass(frozen=True, slots=True)
class Registry:
    """What was found, by job type; made once at the start."""

    handlers: Mapping[str, Handler] = field(default_factory=dict)
    broken: tuple[BrokenPlugin, ...] = ()

    def get(self, type_name: str) -> Handler | None:
        """The handler of a job type; None where this worker has none."""
        return self.handlers.get(type_name)

    def attempts_of(self, type_name: str) -> int:
        """How many starts a job of this type has that says nothing of them.

        For an unknown type DEFAULT_ATTEMPTS: a worker that knows it may come.
        """
        handler = self.handlers.get(type_name)
        return DEFAULT_ATTEMPTS if handler is None else handler.max_attempts

    @property
    def largest_max_attempts(self) -> int:
        """The most starts that a job of any installed type has; 1 where there is no type."""
        return max((handler.max_attempts for handler in self._installed()), default=1)

    @property
    def longest_timeout(self) -> float:
        """The longest timeout of any installed type in seconds; 0 where there is no type."""
        return max((handler.timeout for handler in self._installed()), default=0.0)

    def _installed(self) -> Iterator[Handler]:
        """Without the product's own: they run for long, where they block no handlers' loop."""
        return (handler for name, handler in self.handlers.items() if not is_internal(name))


def discover(settings: HandlerSettings) -> Registry:
    """Loads every enabled handler that an installed distribution offers in the group `cqworker.handlers`.

    Disabled types are not imported. What cannot be used is in `broken`, and so are settings for types that nobody
    offers. Raises PluginConflict where two different objects are offered for one enabled type.
    """
    offers = installed_offers()
    wanted = [offer for offer in offers if _is_enabled(offer.type, settings)]
    refuse_conflicts(wanted)
    entries = [_from_offer(offer, settings) for offer in wanted]
    return _registry(entries, _settings_of_unknown_types(settings, {offer.type for offer in offers}))


def registry_from(
    functions: Mapping[str, Callable[..., Any]], settings: HandlerSettings = DEFAULT_SETTINGS
) -> Registry:
    """A registry of these functions by job type, as if distributions had offered them: for tests."""
    entries = [_from_function(name, functions[name], settings) for name in functions if _is_enabled(name, settings)]
    return _registry(entries, _settings_of_unknown_types(settings, functions))


def registry_of(**functions: Callable[..., Any]) -> Registry:
    """registry_from() for job types that are Python names."""
    return registry_from(functions)


def _registry(entries: Iterable[Handler | BrokenPlugin], unknown: Iterable[BrokenPlugin]) -> Registry:
    entries = list(entries)
    handlers = {entry.type: entry for entry in entries if isinstance(entry, Handler)}
    broken = [entry for entry in entries if isinstance(entry, BrokenPlugin)]
    return Registry(MappingProxyType(handlers), (*broken, *unknown))


def _is_enabled(name: str, settings: HandlerSettings) -> bool:
    return name not in settings.disabled and (settings.enabled is None or name in settings.enabled)


def _from_offer(offer: Offer, settings: HandlerSettings) -> Handler | BrokenPlugin:
    return _read(offer.type, offer.origin, lambda: load_object(offer), settings)


def _from_function(name: str, function: Callable[..., Any], settings: HandlerSettings) -> Handler | BrokenPlugin:
    module, place = getattr(function, "__module__", "?"), getattr(function, "__qualname__", repr(function))
    return _read(name, Origin(f"{module}:{place}", "given", "0"), lambda: function, settings)


def _read(name: str, origin: Origin, find: Callable[[], object], settings: HandlerSettings) -> Handler | BrokenPlugin:
    if is_internal(name):
        cause = f"Job types that begin with {RESERVED_PREFIX} are the product's own, and {name} does."
        return BrokenPlugin(name, origin.name, f"{origin.distribution} {origin.version}", cause, OTHER_NAME)
    try:
        return read_handler(name, find(), origin, settings.types.get(name))
    except Unusable as fault:
        return BrokenPlugin(name, origin.name, f"{origin.distribution} {origin.version}", fault.cause, fault.remedy)


def _settings_of_unknown_types(settings: HandlerSettings, offered: Iterable[str]) -> Iterator[BrokenPlugin]:
    """What the settings say about types that nobody offers."""
    known = sorted(offered)
    places = (
        ("[handlers] enabled", settings.enabled or ()),
        ("[handlers] disabled", settings.disabled),
        ("[handlers.types]", settings.types),
    )
    for place, names in places:
        for name in names:
            if name not in known:
                yield BrokenPlugin(
                    name, place, "", f"{place} names {name}, which nobody offers.", _correction(name, known)
                )


def _correction(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Install the distribution that offers {name}, or take the name out of the configuration."

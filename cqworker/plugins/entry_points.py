"""What installed distributions offer in the entry point group `cqworker.handlers`."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import reduce
from importlib.metadata import EntryPoint, entry_points

from cqworker.errors import PluginConflict
from cqworker.plugins.exception_text import summary_of
from cqworker.plugins.loaded_handlers import Origin
from cqworker.plugins.signature import Unusable

GROUP = "cqworker.handlers"
"""The entry point group of handlers: its names are job types."""
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_VALUE = re.compile(r"\s*(?P<module>[\w.]+)\s*:\s*(?P<attribute>[\w.]+)\s*(\[.*\]\s*)?")
"""The packaging specification's object reference; what EntryPoint says of any other text differs between Pythons."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One distribution says that one object handles one job type."""

    type: str
    entry_point: EntryPoint

    @property
    def origin(self) -> Origin:
        """Where the object comes from; "?" where no distribution is known."""
        dist = self.entry_point.dist
        return Origin(self.entry_point.value.strip(), dist.name if dist else "?", dist.version if dist else "?")


def installed_offers() -> list[Offer]:
    """Every offer, sorted by type; the same object offered twice (by a bundle and by its part) counts once."""
    offers = {(point.name, point.value.strip()): Offer(point.name, point) for point in reversed(_entry_points())}
    return [offers[name] for name in sorted(offers)]


def refuse_conflicts(offers: list[Offer]) -> None:
    """Raises PluginConflict where two different objects are offered for one type; every such type is named."""
    rivals: dict[str, list[Offer]] = {}
    for offer in offers:
        rivals.setdefault(offer.type, []).append(offer)
    faults = [_conflict(name, group) for name, group in rivals.items() if len(group) > 1]
    if faults:
        raise PluginConflict(*faults)


def load_object(offer: Offer) -> object:
    """Imports the object that is offered.

    Raises Unusable, with cause and remedy, whatever the plugin's module does short of ending the process itself.
    """
    if not _TYPE.fullmatch(offer.type):
        raise Unusable(
            f"{offer.type!r} is no name of a job type.",
            "Name it with 1 to 128 letters, digits, '.', '_' and '-', such as \"text.transform\".",
        )
    parts = _VALUE.fullmatch(offer.entry_point.value)
    if parts is None:
        raise _misspelling_of(offer)
    module_name, attribute = parts["module"], parts["attribute"]
    module = _import(module_name, offer)
    try:
        return reduce(getattr, attribute.split("."), module)
    except AttributeError as error:
        raise Unusable(
            f"{module_name} has no {attribute}.",
            f"Correct the entry point of {offer.type} in the pyproject.toml of {offer.origin.distribution}, "
            "then install it again.",
        ) from error


def _entry_points() -> list[EntryPoint]:
    return list(entry_points(group=GROUP))


def _misspelling_of(offer: Offer) -> Unusable:
    return Unusable(
        f"The entry point's value {offer.origin.name!r} names no function.",
        'Write it as "package.module:function" in pyproject.toml, then install the distribution again.',
    )


def _import(name: str, offer: Offer) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise _missing_module(error, name, offer) from error
    except SyntaxError as error:
        raise Unusable(
            f"{name} cannot be read: {summary_of(error)}.",
            f"Correct the source, or install a version of {offer.origin.distribution} for this Python.",
        ) from error
    except SystemExit as error:
        raise Unusable(
            f"{name} ended the process while it was imported (SystemExit: {error.code}).",
            "Move what the module does at import into its functions.",
        ) from error
    except Exception as error:  # a plugin may raise anything
        raise Unusable(
            f"{name} cannot be imported: {summary_of(error)}.",
            f'Try it: python -c "import {name}"; then correct it, or disable {offer.type} in [handlers] disabled.',
        ) from error


def _missing_module(error: ModuleNotFoundError, name: str, offer: Offer) -> Unusable:
    absent = error.name or str(error)
    if name == absent or name.startswith(f"{absent}."):
        return Unusable(
            f"There is no module {absent}, which the entry point names.",
            f"Correct the entry point of {offer.type} in the pyproject.toml of {offer.origin.distribution}, "
            "or install the distribution again.",
        )
    return Unusable(
        f"{name} needs {absent}, which is not installed.",
        f"Install it beside cqworker (pip install {absent.partition('.')[0]}, as a rule), "
        f"and list it in the dependencies of {offer.origin.distribution}.",
    )


def _conflict(name: str, rivals: list[Offer]) -> str:
    origins = [offer.origin for offer in rivals]
    named = " and ".join(f"{origin.name} ({origin.distribution} {origin.version})" for origin in origins)
    choice = " or ".join(dict.fromkeys(origin.distribution for origin in origins))
    return (
        f'Two plugins claim the job type "{name}": {named}. Uninstall one of them (pip uninstall {choice}), '
        f'or use neither: [handlers] disabled = ["{name}"].'
    )

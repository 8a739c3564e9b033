"""What installed distributions claim in the entry point group `cqworker.handlers`."""

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
        dist = self.entry_point.dist
        return Origin(self.entry_point.value.strip(), dist.name if dist else "?", dist.version if dist else "?")


def installed_offers() -> list[Offer]:
    """Every claim, sorted by type; the same object claimed twice (by a bundle and by its part) counts once."""
    claims = {(point.name, point.value.strip()): Offer(point.name, point) for point in reversed(_points())}
    return [claims[name] for name in sorted(claims)]


def refuse_conflicts(claims: list[Offer]) -> None:
    """Raises PluginConflict when two different objects claim one type; every such type is named."""
    rivals: dict[str, list[Offer]] = {}
    for claim in claims:
        rivals.setdefault(claim.type, []).append(claim)
    faults = [_conflict(name, group) for name, group in rivals.items() if len(group) > 1]
    if faults:
        raise PluginConflict(*faults)


def load_object(claim: Offer) -> object:
    """Imports the object; raises Unusable whatever the plugin's module does, short of ending the process itself."""
    if not _TYPE.fullmatch(claim.type):
        raise Unusable(
            f"{claim.type!r} is no name of a job type.",
            "Name it with 1 to 128 letters, digits, '.', '_' and '-', such as \"text.transform\".",
        )
    spelt = _VALUE.fullmatch(claim.entry_point.value)
    if spelt is None:
        raise _misspelt(claim)
    module_name, attribute = spelt["module"], spelt["attribute"]
    module = _imported(module_name, claim)
    try:
        return reduce(getattr, attribute.split("."), module)
    except AttributeError as error:
        raise Unusable(
            f"{module_name} has no {attribute}.",
            f"Correct the entry point of {claim.type} in the pyproject.toml of {claim.origin.distribution}, "
            "then install it again.",
        ) from error


def _points() -> list[EntryPoint]:
    return list(entry_points(group=GROUP))


def _misspelt(claim: Offer) -> Unusable:
    return Unusable(
        f"The entry point's value {claim.origin.name!r} names no function.",
        'Write it as "package.module:function" in pyproject.toml, then install the distribution again.',
    )


def _imported(name: str, claim: Offer) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise _missing(error, name, claim) from error
    except SyntaxError as error:
        raise Unusable(
            f"{name} cannot be read: {summary_of(error)}.",
            f"Correct the source, or install a version of {claim.origin.distribution} for this Python.",
        ) from error
    except SystemExit as error:
        raise Unusable(
            f"{name} ended the process while it was imported (SystemExit: {error.code}).",
            "Move what the module does at import into its functions.",
        ) from error
    except Exception as error:  # a plugin may raise anything
        raise Unusable(
            f"{name} cannot be imported: {summary_of(error)}.",
            f'Try it: python -c "import {name}"; then correct it, or disable {claim.type} in [handlers] disabled.',
        ) from error


def _missing(error: ModuleNotFoundError, name: str, claim: Offer) -> Unusable:
    absent = error.name or str(error)
    if name == absent or name.startswith(f"{absent}."):
        return Unusable(
            f"There is no module {absent}, which the entry point names.",
            f"Correct the entry point of {claim.type} in the pyproject.toml of {claim.origin.distribution}, "
            "or install the distribution again.",
        )
    return Unusable(
        f"{name} needs {absent}, which is not installed.",
        f"Install it beside cqworker (pip install {absent.partition('.')[0]}, as a rule), "
        f"and list it in the dependencies of {claim.origin.distribution}.",
    )


def _conflict(name: str, rivals: list[Offer]) -> str:
    origins = [claim.origin for claim in rivals]
    named = " and ".join(f"{origin.name} ({origin.distribution} {origin.version})" for origin in origins)
    choice = " or ".join(dict.fromkeys(origin.distribution for origin in origins))
    return (
        f'Two plugins claim the job type "{name}": {named}. Uninstall one of them (pip uninstall {choice}), '
        f'or use neither: [handlers] disabled = ["{name}"].'
    )

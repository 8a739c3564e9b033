"""What a wrong protocol is, and the names under which all of them are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from tests.simulation.profile import Profile

Swap = Callable[[object, str, object], object]
Mutation = Callable[[Swap], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mutation, the kinds of fault without which a seed cannot show it, and what else its world must be like.

    `excusable`: what it leaves undone is put down to the network wherever that loses anything.
    """

    mutate: Mutation
    needs: frozenset[str]
    excusable: bool
    where: Callable[[Profile], bool]

    def shows_in(self, profile: Profile) -> bool:
        """Whether it is worth to look at this seed."""
        if (self.excusable and profile.rates) or not self.where(profile):
            return False
        return self.needs <= profile.rates.keys() | {kind for _, kind in profile.strikes}


MUTANTS: dict[str, Mutant] = {}


def _anywhere(_profile: Profile) -> bool:
    return True


def mutant(
    name: str, *needs: str, excusable: bool = False, where: Callable[[Profile], bool] = _anywhere
) -> Callable[[Mutation], Mutation]:
    """Registers a mutation under a name that says what is wrong."""

    def register(mutate: Mutation) -> Mutation:
        MUTANTS[name] = Mutant(mutate, frozenset(needs), excusable, where)
        return mutate

    return register


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Production code with this mutation, while the block lasts."""
    with ExitStack() as stack:
        MUTANTS[name].mutate(lambda owner, what, other: stack.enter_context(patch.object(owner, what, other)))
        yield

"""What one client wants: a job, and what it does to it afterwards."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from tests.simulation.handlers import MODERN
from tests.simulation.profile import Profile

TYPES = {"work": 55, "brief": 10, "narrow": 10, "pooled": 8, "deadly": 5, MODERN: 12}
ENDS = {"return": 46, "big": 10, "artifact": 10, "raise": 16, "retry": 9, "reject": 5, "exit": 4}
WAYS = {"take": 84, "deaf": 9, "block": 7}
ACTS = {"cancel": 30, "retry": 45, "show": 10, "wait": 15}
PAD = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A job to hand in at a time (virtual seconds), then acts with pauses between them; `twin` repeats it at once."""

    name: str
    at: float
    type: str
    payload: str
    key: str | None
    delay: int
    max_attempts: int | None
    twin: bool
    imposter: bool
    acts: tuple[tuple[float, str], ...]


def errands(profile: Profile) -> list[Errand]:
    chance = profile.stream("errands")
    return [_errand(f"e{number}", profile, chance) for number in range(profile.jobs)]


def _errand(name: str, profile: Profile, chance: random.Random) -> Errand:
    job_type = _pick(chance, TYPES)
    keyed = chance.random() < 0.5
    script = [_step(job_type, profile, chance) for _ in range(chance.randint(1, 4))]
    pad = "y" * PAD if chance.random() < 0.1 else ""
    return Errand(
        name=name,
        at=chance.uniform(0, profile.seconds * 0.9),
        type=job_type,
        payload=json.dumps({"script": script, "pad": pad}),
        key=f"key {name}" if keyed else None,
        delay=chance.randint(1, 30) if chance.random() < 0.1 else 0,
        max_attempts=chance.randint(1, 3) if chance.random() < 0.1 else None,
        twin=keyed and chance.random() < 0.3,
        imposter=keyed and chance.random() < 0.1,
        acts=tuple(_act(profile, chance) for _ in range(chance.choice((0, 0, 1, 1, 2, 4)))),
    )


def _step(job_type: str, profile: Profile, chance: random.Random) -> dict[str, Any]:
    how = _pick(chance, WAYS)
    if job_type == "deadly" and profile.strikes and chance.random() < 0.7:
        how = "die"
    longest = chance.choice((2.0, 2.0, 2.0, profile.visibility, 3.0 * profile.visibility))
    take = 8.0 if job_type == "brief" and chance.random() < 0.3 else chance.uniform(0, longest)
    return {"how": how, "take": round(take, 3), "end": _pick(chance, ENDS), "after": round(chance.uniform(0, 40), 1)}


def _act(profile: Profile, chance: random.Random) -> tuple[float, str]:
    return chance.uniform(0, chance.choice((1.0, 10.0, 2.0 * profile.visibility))), _pick(chance, ACTS)


def _pick(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]

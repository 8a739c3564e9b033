"""What one client wants: a job, and what it does to it afterwards."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from typing import Any

from cqworker.ports import Letter
from cqworker.testing.virtual_time import EPOCH_MS
from tests.simulation.handlers import MODERN
from tests.simulation.profile import Profile
from tests.simulation.site import QUEUES

TYPES = {"work": 55, "brief": 10, "narrow": 10, "pooled": 8, "deadly": 5, MODERN: 12}
ENDS = {"return": 46, "big": 10, "artifact": 10, "torn": 6, "raise": 16, "retry": 9, "reject": 5, "exit": 4}
WAYS = {"take": 84, "deaf": 9, "block": 7}
ACTS = {"cancel": 30, "retry": 45, "show": 10, "wait": 15}
TENANTS = ("default", "default", "a-guest", "another")
NEWER = tuple(f"newer{number}" for number in range(6))
PAD = 900
EXTINCT = "extinct"
NOWHERE = "s3://artifacts/simulation/nowhere.json"
FOREIGN = ("no JSON", "[]", '{"cqworker": 1}', '{"cqworker": 2, "from": "the future"}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A job to hand in at a time (virtual seconds), then acts with pauses between them; `twin` repeats it at once.

    `ahead`: so many seconds later it is to start, as a point of time where `by_time` says so, else as a delay.
    """

    name: str
    at: float
    type: str
    queue: str | None
    payload: str
    tenant: str
    tags: tuple[str, ...]
    traceparent: str | None
    key: str | None
    delay: int
    max_attempts: int | None
    twin: bool
    imposter: bool
    acts: tuple[tuple[float, str], ...]
    ahead: float | None
    by_time: bool
    limit_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A message that somebody else put into the queue, at a time."""

    at: float
    letter: Letter


def errands(profile: Profile) -> list[Errand]:
    chance = profile.stream("errands")
    rush = chance.uniform(0, profile.seconds * 0.5)
    sleepy = profile.stream("snoozes")
    shared = profile.stream("limit keys")
    made = [_drowsy(_errand(f"e{number}", profile, chance, rush), sleepy) for number in range(profile.jobs)]
    time = profile.stream("time of errands")
    made = [replace(errand, limit_key=shared.choice((None, "one", "two", "two"))) for errand in made]
    return [_put_off(errand, profile, time) for errand in made] if profile.timely else made


def _put_off(errand: Errand, profile: Profile, time: random.Random) -> Errand:
    """In a world of long times: many a job is for later, many a retry too, and people change their minds."""
    body = json.loads(errand.payload)
    for step in body["script"]:
        if time.random() < 0.25:
            step |= {"end": time.choice((step["end"], "retry")), "after": round(_long(profile, time), 1)}
        if "snooze" in step and time.random() < 0.7:
            step["snooze"] = round(_long(profile, time), 1)
        if step["how"] == "take" and time.random() < 0.1:
            step["how"] = "parting"
    is_later = time.random() < 0.5
    acts = tuple(_act_of_time(act, profile, time) for act in errand.acts) if is_later else errand.acts
    return replace(
        errand,
        payload=json.dumps(body),
        ahead=_long(profile, time) if is_later else None,
        by_time=time.random() < 0.6,
        acts=acts,
    )


def _drowsy(errand: Errand, sleepy: random.Random) -> Errand:
    """Every tenth step finds that it is too early, for a time within SQS's means, before it ends as it says."""
    body = json.loads(errand.payload)
    for step in body["script"]:
        if sleepy.random() < 0.1:
            step["snooze"] = round(sleepy.uniform(0.1, 40), 1)
    return replace(errand, payload=json.dumps(body))


def _long(profile: Profile, time: random.Random) -> float:
    """Seconds around and beyond those for which SQS delays a message."""
    longest = min(3.0 * profile.horizon, profile.horizon + 300.0)
    return (
        time.uniform(0.5 * profile.horizon, longest) if time.random() < 0.3 else time.uniform(profile.horizon, longest)
    )


def _act_of_time(act: tuple[float, str], profile: Profile, time: random.Random) -> tuple[float, str]:
    pause, what = act
    if time.random() < 0.6:
        what = time.choice(("reschedule", "reschedule", "run now", "cancel"))
    return (time.uniform(0, 2.0 * profile.horizon) if time.random() < 0.5 else pause), what


def _errand(name: str, profile: Profile, chance: random.Random, rush: float) -> Errand:
    job_type = _pick(chance, TYPES)
    keyed = chance.random() < 0.5
    script = [_step(job_type, profile, chance) for _ in range(chance.randint(1, 4))]
    pad = "y" * PAD if chance.random() < 0.1 else ""
    return Errand(
        name=name,
        at=rush if chance.random() < 0.2 else chance.uniform(0, profile.seconds * 0.9),
        type=job_type,
        queue=chance.choice((None, *QUEUES[: profile.queues])),
        payload=json.dumps({"script": script, "pad": pad}),
        tenant=chance.choice(TENANTS),
        tags=("tagged", name) if chance.random() < 0.3 else (),
        traceparent=_traceparent(chance) if chance.random() < 0.5 else None,
        key=f"key {name}" if keyed else None,
        delay=chance.randint(1, 30) if chance.random() < 0.1 else 0,
        max_attempts=chance.randint(1, 3) if chance.random() < 0.1 else None,
        twin=keyed and chance.random() < 0.3,
        imposter=keyed and chance.random() < 0.1,
        acts=tuple(_act(profile, chance) for _ in range(chance.choice((0, 0, 1, 1, 2, 4)))),
        ahead=None,
        by_time=False,
    )


def parcels(profile: Profile) -> list[Parcel]:
    """What is none of ours, and what only looks like it."""
    chance = profile.stream("strangers")
    letters = [Letter(body=body) for body in FOREIGN]
    letters += [_letter_of_ours(kind, profile, chance) for kind in (EXTINCT, "malformed", "missing", *NEWER)]
    return [Parcel(at=chance.uniform(0, profile.seconds / 2), letter=one) for one in letters if chance.random() < 0.15]


def _letter_of_ours(kind: str, profile: Profile, chance: random.Random) -> Letter:
    """A type that nobody knows for nearly a day now; a payload that fits no model; one that S3 does not have.

    And whole jobs, handed in by a newer version of ours, with fields that this one does not know.
    """
    age = 86_400_000 - chance.randint(-60_000, 60_000) if kind == EXTINCT else 0
    payload: dict[str, object] = {"payload_ref": NOWHERE} if kind == "missing" else {"payload": "no table"}
    newer: dict[str, object] = {}
    if kind in NEWER:
        payload = {"payload": {"script": [_step("work", profile, chance) for _ in range(4)]}}
        newer = {"since": {"version": [1, 7]}, "priority": 3, "tags": ["new"], "tenant": chance.choice(TENANTS)}
    body = {
        "cqworker": 1,
        "job_id": f"{kind}-{profile.seed}",
        "round": 1,
        "type": EXTINCT if kind == EXTINCT else "work",
        "queue": "jobs",
        "max_attempts": 2,
        "created_at": EPOCH_MS - age,
        "metadata": {"asked": kind},
        **payload,
        **newer,
    }
    tenant = newer.get("tenant", "default")
    group = None if tenant == "default" else str(tenant)
    return Letter(body=json.dumps(body), traceparent=_traceparent(chance) if newer else None, group=group)


def _traceparent(chance: random.Random) -> str:
    return f"00-{chance.getrandbits(128) | 1:032x}-{chance.getrandbits(64) | 1:016x}-01"


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

"""What one seed stands for: how many take part, for how long, and which faults hurt them how often."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cqworker.flow.lease import margin_of
from cqworker.ports import MAX_DELAY, MAX_VISIBILITY

CALL_FAULTS = ("throttled", "lost before", "lost after", "late", "twice", "ghost", "slow")
QUEUE_FAULTS = ("entry fault", "delivered twice", "back after delete", "miss", "old message", "viewed by others")
OTHER_FAULTS = ("HTTP answer lost", "lifespan")
STRIKES = ("crash", "freeze", "suspend", "drain", "hurried drain", "outage", "partition", "clock step", "deploy")
TIME_FAULTS = ("two holders", "frozen hand-over")
"""A sweep lease that is given to two, and a process that stands still between a hand-over's send and its unmark."""
BESIDE_OLDER = ("long hand-over", "old worker leaves")
"""The same for so long that a worker from before the index starts the job, and one that leaves with what it started."""
TIME_STRIKES = ("blind sweeper", "mute process", "index made again")
"""A process whose queries of the index fail, one whose sends fail, and an index that is deleted and filled anew."""
MOST = {"crash": 6, "freeze": 6, "suspend": 2, "drain": 5, "hurried drain": 2, "outage": 3, "partition": 3}
CALM = 0.08
QUIET_NETWORK = 0.12
"""Share of seeds in which only processes suffer: where every call is answered, no mess is excused."""
WILD_CLOCKS = 0.08
STRICT = 0.12
"""Share of seeds whose redrive policy buries a message after one to three receives."""
CLOSED = 0.1
SHORT_DAYS = 0.1
IMPATIENT = 0.35
DARK = 0.2
TIMELY = 0.6
"""Share of seeds in which jobs wait for longer than SQS delays a message."""
BLIND_FOR_EVER = 0.15
UNSENDABLE = 0.12
LEVELLED = (None, None, None, "weighted", "strict")
RIVALS = 0.4
"""Share of seeds in which some hand in jobs that are unique."""
REVISED = 0.4
"""Share of seeds in which some replace what others have handed in."""
FICKLE = 0.2
HORIZONS = (10, 20, 40, 90)
LAGS = (0.0, 0.0, 2.0, 15.0, 60.0)
ANCIENT = 0.6
"""Share of the seeds with a deployment in which the version that leaves knows nothing of the index of due jobs."""
PACED = 0.4
"""Share of the seeds without a deployment in which jobs of the commonest type have a rate."""
PACES = (("1/s", 2), ("2/s", 1), ("30/m", 1), ("20/m", 3))
SLOTTED = 0.5
"""Share of the seeds without a deployment in which limits say how many jobs run at once."""
DARK_SERVICES = (("sqs",), ("dynamodb",), ("sqs", "dynamodb"), ("sqs", "dynamodb"))
DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The shape of one run; times in seconds, `skew` in milliseconds, `rates` a chance per occasion.

    `wild`: clocks differ by more than the leases' margin, so that two workers may believe in one lease; nothing may
    be lost or doubled in the records all the same. `max_receives`: a redrive policy that is too strict. `closed`: when
    the whole fleet goes, and for how long. `longest_hold`: what stands for SQS's 12 h, counted from a receipt.
    `impatience`: about so many seconds pass between two looks of somebody at the desk; None: nobody sits there.
    `blackouts`: when which services are away for everybody, and for how long.
    `timely`: whether jobs wait for longer than `horizon`, which stands for the 15 minutes that SQS delays a message;
    `lag`: so many seconds, at most, the index of due jobs is behind the records. `ancient`: whether who leaves in a
    deployment is from before that index. `blind`: whether one process can never query it, not even in peace.
    `unsendable`: whether there are jobs in it whose queue does not exist. `levels`: how the levels of queues share
    slots; None: queues have none. `rivals`: whether some want a job that is unique, and want it at once. `fickle`:
    whether somebody cancels what runs and puts it off the moment that its worker, which leaves, hands it back. `paced`:
    how often jobs of the commonest type may start, and how many at once. `slotted`: how many jobs
    of which keys may run at once. `revised`: whether some hand in jobs of which the last one counts, not where who
    leaves may be from before that.
    """

    seed: int
    workers: int
    queues: int
    visibility: int
    wait_time: int
    concurrency: int
    jobs: int
    seconds: float
    skew: int
    wild: bool
    max_receives: int | None
    rates: Mapping[str, float]
    strikes: tuple[tuple[float, str], ...]
    retention_days: int
    closed: tuple[tuple[float, float], ...]
    longest_hold: int
    impatience: float | None
    blackouts: tuple[tuple[float, float, tuple[str, ...]], ...]
    timely: bool = False
    horizon: int = MAX_DELAY
    lag: float = 0.0
    ancient: bool = False
    blind: bool = False
    unsendable: bool = False
    levels: str | None = None
    rivals: bool = False
    fickle: bool = False
    paced: tuple[str, int] | None = None
    slotted: Mapping[str, int] = field(default_factory=dict)
    revised: bool = False

    @property
    def retention(self) -> int:
        """Seconds that a record stays after its last change."""
        return self.retention_days * 86_400

    def at(self, seconds: float) -> float:
        """When something happens that happens so late in the story, if the days without a fleet are left out."""
        return seconds + sum(days for began, days in self.closed if began < seconds)

    def stream(self, name: str) -> random.Random:
        """Chance of its own for one part, so that a change in one does not shuffle all the others."""
        return random.Random(f"{self.seed} {name}")


def profile_of(seed: int) -> Profile:
    """Each kind of fault is present in about half of the seeds: too many at once hide one another."""
    chance = random.Random(f"{seed} profile")
    visibility = chance.choice((6, 12, 30, 60))
    wild = chance.random() < WILD_CLOCKS
    calm = chance.random() < CALM
    quiet = random.Random(f"{seed} quiet").random() < QUIET_NETWORK
    leisure, policy = _drawn(seed, "leisure"), _drawn(seed, "redrive")
    usual = chance.choice((None, None, None, 4, 6))
    seconds = chance.choice((60.0, 150.0, 400.0)) * chance.uniform(0.5, 1.5)
    closed = () if calm else _closings(_drawn(seed, "closings"), seconds)
    blackouts = _blackouts(_drawn(seed, "blackouts"), seconds, visibility)
    quiet = quiet or (bool(blackouts) and _drawn(seed, "darkness").random() < 0.6)
    kinds = (*CALL_FAULTS, *QUEUE_FAULTS, *OTHER_FAULTS)
    profile = Profile(
        seed=seed,
        workers=chance.choice((2, 2, 3, 4)),
        queues=chance.choice((1, 1, 1, 2)),
        visibility=visibility,
        wait_time=chance.choice((1, 5, 20)),
        concurrency=chance.choice((2, 4, 10, 32)),
        jobs=chance.choice((8, 20, 40, 60)),
        seconds=seconds,
        skew=20_000 if wild else round(1000 * margin_of(visibility) * 0.4),
        wild=wild,
        max_receives=policy.choice((1, 2, 2, 3)) if policy.random() < STRICT else usual,
        rates={} if calm or quiet else {kind: _rate(chance) for kind in kinds if chance.random() < 0.5},
        strikes=() if calm else tuple(sorted(_strikes(chance, seconds))),
        retention_days=15 if closed else 30,
        closed=closed,
        longest_hold=visibility * 4 if leisure.random() < SHORT_DAYS else MAX_VISIBILITY,
        blackouts=() if calm else blackouts,
        impatience=leisure.uniform(2, 30) if leisure.random() < IMPATIENT else None,
    )
    rivals = _drawn(seed, "rivals").random() < RIVALS
    profile = replace(profile, levels=_drawn(seed, "levels").choice(LEVELLED), rivals=rivals)
    profile = _beside_older(_in_time(profile, _drawn(seed, "time"), calm=calm), _drawn(seed, "older"), calm=calm)
    is_fickle = profile.timely and not calm and _drawn(seed, "fickle").random() < FICKLE
    is_revised = not profile.ancient and _drawn(seed, "revisers").random() < REVISED
    return replace(profile, fickle=is_fickle, revised=is_revised)


def _in_time(profile: Profile, time: random.Random, *, calm: bool) -> Profile:
    """The same world with what concerns time in it, or without."""
    timely = time.random() < TIMELY
    deploys = any(kind == "deploy" for _, kind in profile.strikes)
    harms = timely and not calm
    strikes = _strikes(time, profile.seconds, TIME_STRIKES) if harms else []
    faults = {kind: _rate(time) for kind in TIME_FAULTS if time.random() < 0.6} if timely and profile.rates else {}
    return replace(
        profile,
        timely=timely,
        rates={**profile.rates, **faults},
        strikes=tuple(sorted((*profile.strikes, *strikes))),
        horizon=time.choice(HORIZONS) if timely else MAX_DELAY,
        lag=time.choice(LAGS) if harms else 0.0,
        ancient=deploys and time.random() < ANCIENT,
        blind=harms and time.random() < BLIND_FOR_EVER,
        unsendable=timely and time.random() < UNSENDABLE,
        paced=_pace(profile, deploys=deploys),
        slotted=_slots(profile, deploys=deploys),
    )


def _beside_older(profile: Profile, older: random.Random, *, calm: bool) -> Profile:
    """The same where older workers meet jobs that are in the index, or where they hardly do."""
    if calm or not (profile.timely and profile.ancient) or older.random() < 0.5:
        return profile
    late = profile.seconds * older.uniform(0.8, 1.0)
    strikes = sorted((max(at, late) if kind == "deploy" else at, kind) for at, kind in profile.strikes)
    rates = {kind: older.uniform(0.4, 0.9) for kind in BESIDE_OLDER}
    return replace(profile, rates={**profile.rates, **rates}, strikes=tuple(strikes))


def _pace(profile: Profile, *, deploys: bool) -> tuple[str, int] | None:
    """Not where clocks are wild, or where who leaves may be from before rates: then more may start than may."""
    chance = _drawn(profile.seed, "pace")
    return chance.choice(PACES) if chance.random() < PACED and not profile.wild and not deploys else None


def _slots(profile: Profile, *, deploys: bool) -> dict[str, int]:
    """Not where clocks are wild, or where who leaves may be from before limits: then more run at once than may."""
    chance = _drawn(profile.seed, "slots")
    if chance.random() >= SLOTTED or profile.wild or deploys:
        return {}
    patterns = chance.sample(("queue:jobs", "tenant:*", "key:*", "type:brief"), chance.choice((1, 1, 2, 3)))
    return {pattern: chance.choice((1, 2, 2, 3, 20)) for pattern in sorted(patterns)}


def _drawn(seed: int, name: str) -> random.Random:
    """Chance for what came later into the profile: what was there before stays as it is."""
    return random.Random(f"{seed} {name}")


def _closings(chance: random.Random, seconds: float) -> tuple[tuple[float, float], ...]:
    """Once for up to 13 days, or twice, so that what ended before is forgotten (a record stays 15 days) at the end."""
    if chance.random() >= CLOSED:
        return ()
    if chance.random() < 0.5:
        return ((chance.uniform(0.2, 0.9) * seconds, chance.uniform(0.5, 13) * DAY),)
    times = (chance.uniform(0.2, 0.5) * seconds, chance.uniform(0.6, 0.9) * seconds)
    return tuple((at, chance.uniform(6, 9) * DAY) for at in times)


def _blackouts(
    chance: random.Random, seconds: float, visibility: int
) -> tuple[tuple[float, float, tuple[str, ...]], ...]:
    """One or two, each of up to three leases."""
    if chance.random() >= DARK:
        return ()
    times = sorted(chance.uniform(0.1, 0.8) * seconds for _ in range(chance.choice((1, 1, 2))))
    return tuple((at, visibility * chance.uniform(0.3, 3), chance.choice(DARK_SERVICES)) for at in times)


def _rate(chance: random.Random) -> float:
    """Between 1 in 200 and 1 in 5."""
    return float(10 ** chance.uniform(-2.3, -0.7))


def _strikes(chance: random.Random, seconds: float, kinds: tuple[str, ...] = STRIKES) -> list[tuple[float, str]]:
    struck = [kind for kind in kinds if chance.random() < 0.5]
    counts = {kind: chance.randint(1, MOST.get(kind, 1)) for kind in struck}
    return [(chance.uniform(0, seconds), kind) for kind in struck for _ in range(counts[kind])]

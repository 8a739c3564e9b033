"""The settings of the queues: where messages are received, and which levels of priority a queue has."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, ValidationInfo, field_validator

from cqworker.model.job_limits import LONGEST_QUEUE_NAME
from cqworker.model.priorities import MEDIUM, PRIORITIES, PriorityName, level_queue
from cqworker.settings.resource_names import QueueName
from cqworker.settings.section import Section, duplicates_of

MAX_RECEIVES = 1000
"""The largest maxReceiveCount of a redrive policy (SQS API, SetQueueAttributes)."""
USUAL_WEIGHTS = {2: (3, 1), 3: (6, 3, 1), 4: (8, 4, 2, 1), 5: (16, 8, 4, 2, 1)}
"""The weights of so many levels where the settings name none."""
Weight = Annotated[int, Field(ge=1, le=1000)]
"""Starts of a level, in proportion to those of the others."""


class LevelSettings(NamedTuple):
    """A level of a queue: its name, the SQS queue where it waits, and its weight."""

    priority: PriorityName
    queue: str
    weight: int


class QueueSettings(Section):
    """`[[queues]]`: one queue to receive from; the first one takes the jobs that name none."""

    name: QueueName = Field(
        description="The SQS queue's name: 1 to 80 letters, digits, - and _ (a FIFO queue cannot delay one message)."
    )
    dead_letter_queue: QueueName | None = Field(
        None, description="The name of the queue where SQS puts what could not be received successfully."
    )
    visibility_timeout: int = Field(
        60,
        ge=3,
        le=43_200,
        description="Seconds a received message stays hidden; renewed at a third of it while its job runs.",
    )
    wait_time: int = Field(20, ge=0, le=20, description="Seconds that one long poll waits for a message.")
    max_receive_count: int | None = Field(
        None,
        ge=1,
        le=MAX_RECEIVES,
        description="Receives after which SQS moves a message to the dead-letter queue; "
        "not set: 3 times the largest max_attempts of all job types, plus 10.",
    )
    priorities: tuple[PriorityName, ...] = Field(
        (),
        description="The levels of this queue, the most urgent first, medium among them: of highest, high, medium, low "
        "and lowest. Each has an SQS queue of its own, such as jobs-high. Empty: one level.",
    )
    mode: Literal["weighted", "strict"] = Field(
        "weighted",
        description="How free slots are shared out to levels whose jobs wait: by their weights, or always to the most "
        "urgent one, but for the floor.",
    )
    weights: tuple[Weight, ...] = Field(
        (), description="The weight of each level, in their order; not set: 6, 3, 1 for three levels."
    )
    floor: float = Field(
        0.05,
        gt=0,
        le=0.5,
        description="With mode strict, the share of starts that less urgent levels get while the most urgent has jobs.",
    )
    reserve: int = Field(
        1,
        ge=0,
        le=10,
        description="Messages of a level that was idle which are received although no slot is free, to take the next.",
    )

    @field_validator("priorities")
    @classmethod
    def _refuse_levels_out_of_order(
        cls, priorities: tuple[PriorityName, ...], info: ValidationInfo
    ) -> tuple[PriorityName, ...]:
        if not priorities:
            return priorities
        ordered = tuple(name for name in PRIORITIES if name in priorities)
        if len(priorities) == 1 or MEDIUM not in priorities:
            raise ValueError(
                'a queue has no levels, or several with "medium" among them, where jobs go that ask for none'
            )
        if priorities != ordered:
            raise ValueError(f"write each level once, the most urgent first: {', '.join(ordered)}")
        name = str(info.data.get("name", ""))
        too_long = [queue for level in priorities if len(queue := level_queue(name, level)) > LONGEST_QUEUE_NAME]
        if too_long:
            raise ValueError(f'the name of a level\'s queue, "{too_long[0]}", is longer than {LONGEST_QUEUE_NAME}')
        return priorities

    @field_validator("weights")
    @classmethod
    def _refuse_weights_of_no_level(cls, weights: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        levels = info.data.get("priorities")
        if weights and levels is not None and len(weights) != len(levels):
            raise ValueError(f"there are {len(weights)} for {len(levels)} levels; give each level of priorities one")
        return weights

    @property
    def levels(self) -> tuple[LevelSettings, ...]:
        """Its levels, the most urgent first; a queue without priorities has one, the medium."""
        names = self.priorities or (MEDIUM,)
        weights = self.weights or USUAL_WEIGHTS.get(len(names), (1,))
        return tuple(
            LevelSettings(name, level_queue(self.name, name), weight)
            for name, weight in zip(names, weights, strict=True)
        )

    @property
    def queues(self) -> tuple[str, ...]:
        """The names of the SQS queues of all levels."""
        return tuple(level.queue for level in self.levels)

    def of_level(self, level: LevelSettings) -> Self:
        """The settings of this level's SQS queue, as if it stood alone."""
        plain = {"name": level.queue, "priorities": (), "weights": ()}
        return self.model_copy(update=plain)


def queues_named_twice(queues: Collection[QueueSettings]) -> str:
    """The names of SQS queues, those of levels and of dead letters among them, that stand for two; "" for none."""
    return duplicates_of(
        name for queue in queues for name in (*queue.queues, queue.dead_letter_queue) if name is not None
    )

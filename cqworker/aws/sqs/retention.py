"""For how long a queue keeps a message that nobody deletes."""

from __future__ import annotations

from cqworker.aws.aws_call import Calls
from cqworker.aws.operations import GET_DEPTH, GET_QUEUE_URL

USUAL_SECONDS = 345_600
"""Four days, what a queue has that was given nothing else (SetQueueAttributes, MessageRetentionPeriod)."""
RETENTION = "MessageRetentionPeriod"


async def retention_of(clients: Calls, queue: str) -> int:
    """Seconds that the queue of this name keeps a message. Raises Unavailable."""
    about = f'queue "{queue}"'
    url = (await clients.call(GET_QUEUE_URL, {"QueueName": queue}, about))["QueueUrl"]
    answer = await clients.call(GET_DEPTH, {"QueueUrl": url, "AttributeNames": [RETENTION]}, about)
    return int(answer.get("Attributes", {}).get(RETENTION, USUAL_SECONDS))

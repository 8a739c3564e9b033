"""moto's SQS without its scans of the whole queue, and with receives that wait without the lock."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.utils import camelcase_to_underscores, unix_time, unix_time_millis
from moto.sqs import models
from moto.sqs.exceptions import ReceiptHandleIsInvalid

from cqworker.embedded.moto_lock import new_condition, wait_unlocked

MAX_WAIT_SECONDS = 0.2
"""How late a waiting receive may notice that its client hung up."""
MIN_WAIT_SECONDS = 0.001
"""moto's clock has to pass the moment at which a message becomes visible."""

ATTRIBUTE_MEMBERS = {
    name: camelcase_to_underscores(name)
    for name in (*models.Queue.BASE_ATTRIBUTES, *models.Queue.FIFO_ATTRIBUTES, *models.Queue.KMS_ATTRIBUTES)
}


class QueueAttributes(Mapping[str, Any]):
    """A queue's attributes, each worked out when it is asked for: three of them count every message."""

    def __init__(self, queue: EmbeddedQueue) -> None:
        self._queue = queue
        self._names = [
            *queue.BASE_ATTRIBUTES,
            *(queue.FIFO_ATTRIBUTES if queue.fifo_queue else ()),
            *(queue.KMS_ATTRIBUTES if queue.kms_master_key_id else ()),
        ]

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        value = getattr(self._queue, ATTRIBUTE_MEMBERS[name])
        if isinstance(value, bool):
            return str(value).lower()
        return json.dumps(value) if value and name == "RedrivePolicy" else value

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class EmbeddedQueue(models.Queue):
    """A queue whose receives and deletes stay quick when thousands of messages wait in it."""

    kms_master_key_id: str | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._messages_lock = new_condition()

    @property
    def attributes(self) -> Mapping[str, Any]:  # type: ignore[override]
        """The attributes as GetQueueAttributes answers them."""
        return QueueAttributes(self)

    @property
    def messages(self) -> list[models.Message]:
        """The messages that can be received now, the clock being read once for all of them."""
        now = unix_time_millis()
        return [message for message in self._messages if message.visible_at < now and message.delayed_until <= now]

    def wait_for_messages(self, timeout: int) -> None:
        """Wait without the lock for a message, or until one that is hidden or delayed becomes visible."""
        now = unix_time_millis()
        due = (max(message.visible_at, message.delayed_until) for message in self._messages)
        seconds = min((moment - now for moment in due if moment > now), default=timeout * 1000) / 1000
        with self._messages_lock:
            wait_unlocked(self._messages_lock, min(max(seconds, MIN_WAIT_SECONDS), MAX_WAIT_SECONDS))

    def wake_receives(self) -> None:
        """Let waiting receives look again."""
        with self._messages_lock:
            self._messages_lock.notify_all()

    def delete_message(self, receipt_handle: str) -> None:
        """Delete the message that ever had this handle; again is no error, a handle never given is."""
        if receipt_handle in self.deleted_messages:
            return
        for place, message in enumerate(self._messages):
            if message.had_receipt_handle(receipt_handle):
                self.pending_messages.discard(message)
                self.deleted_messages.update(handle for handle in message.all_receipt_handles if handle)
                del self._messages[place]
                return
        raise ReceiptHandleIsInvalid


class EmbeddedSqs(models.SQSBackend):
    """SQS whose waiting receives hear of a message that was given back, and whose retention costs no look-up."""

    __module__ = models.SQSBackend.__module__  # moto finds a backend's paths by the module of its class

    def change_message_visibility(self, queue_name: str, receipt_handle: str, visibility_timeout: int) -> None:
        """Hide a message for that many seconds from now, or show it (0)."""
        super().change_message_visibility(queue_name, receipt_handle, visibility_timeout)
        queue: Any = self.get_queue(queue_name)
        queue.wake_receives()

    def is_message_valid_based_on_retention_period(self, queue_name: str, message: Any) -> bool:
        """Whether the message is younger than the queue keeps messages."""
        queue: Any = self.get_queue(queue_name)
        return bool(message.sent_timestamp / 1000 + queue.message_retention_period > unix_time())


def install() -> None:
    """Make moto use these; to be called before its first request."""
    vars(models)["Queue"] = EmbeddedQueue
    models.sqs_backends.backend = EmbeddedSqs

"""moto's server as the child process runs it: loaded quickly, quick at each request, and forgetting what is gone."""

from __future__ import annotations

from collections import deque
from functools import cache
from typing import Any, Literal

from moto.backends import get_backend
from moto.core import responses
from moto.core.utils import get_service_model, method_names_from_class
from moto.dynamodb.models.dynamo_type import Item
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sqs.models import Message
from werkzeug.serving import BaseWSGIServer, make_server

from cqworker.embedded import moto_queues
from cqworker.embedded.moto_connection import MotoConnection
from cqworker.embedded.moto_lock import hold_lock
from cqworker.embedded.running_aws import LOOPBACK

OWN_API = "moto_api"
"""moto's own interface, which resets and shows everything: not served."""
SERVICES: tuple[Literal["sqs", "dynamodb", "s3"], ...] = ("sqs", "dynamodb", "s3")


class MotoDispatcher(DomainDispatcherApplication):
    """Sends each request to its service."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._backends: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """Find the service of a host name; moto lists its source folder each time, most of an SQS request's cost."""
        if host not in self._backends:
            found = super().get_backend_for_host(host)
            self._backends[host] = None if found == OWN_API else found
        return self._backends[host]

    def load_services(self) -> None:
        """Load what the first request to each service that cqworker uses would have to wait for."""
        with hold_lock(None):
            get_backend("iam")  # where moto looks up the access key of each request
            for service in SERVICES:
                get_service_model(service)
                self.app_instances.setdefault(service, self.create_app(service))


def open_server(application: MotoDispatcher) -> BaseWSGIServer:
    """Listen on a free port of the loopback interface, and nowhere else."""
    moto_queues.install()
    _track_no_instances()
    _cache_methods()
    return make_server(LOOPBACK, 0, application, threaded=True, request_handler=MotoConnection)


def _track_no_instances() -> None:
    """Let go of dead messages and items: moto keeps each one it ever made, for its dashboard."""
    for model in (Message, Item):
        for name, nothing in {"instances_tracked": deque[Any](maxlen=0)}.items():
            setattr(model, name, nothing)


def _cache_methods() -> None:
    """Find once what a service can do: moto looks for it at each request, a tenth of what that costs."""
    vars(responses)["method_names_from_class"] = cache(method_names_from_class)

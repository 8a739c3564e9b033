"""What the AWS SDK works out anew for each of its sessions, though it is always the same, it works out once a process.

Hundreds of tests open clients of their own; without this most of their processor time goes into the same JSON files,
the same names and the same certificates.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

END_OF_CERTIFICATE = "-----END CERTIFICATE-----\n"


@pytest.fixture(scope="session", autouse=True)
def sdk_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing happens where no test has imported the SDK."""
    if "aiobotocore" not in sys.modules:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        _remember_files(patch)
        _remember_names(patch)
        _remember_rules(patch)
        _trust_one(patch, tmp_path_factory.mktemp("bundle") / "one.pem")
        yield


def _remember_files(patch: pytest.MonkeyPatch) -> None:
    from botocore.loaders import JSONFileLoader, Loader

    load_file, list_services = JSONFileLoader.load_file, Loader.list_available_services
    files: dict[str, Any] = {}
    services: dict[tuple[str, ...], list[str]] = {}

    def remembered_file(self: JSONFileLoader, file_path: str) -> Any:
        if file_path not in files:
            files[file_path] = load_file(self, file_path)
        return files[file_path]

    def remembered_services(self: Loader, type_name: str) -> list[str]:
        place = (*self.search_paths, type_name)
        if place not in services:
            services[place] = list_services(self, type_name)
        return services[place]

    patch.setattr(JSONFileLoader, "load_file", remembered_file)
    patch.setattr(Loader, "list_available_services", remembered_services)


def _remember_names(patch: pytest.MonkeyPatch) -> None:
    """Under which name an event is known, and whether a function takes keywords."""
    from botocore import hooks

    begin, accepts = hooks.EventAliaser.__init__, hooks.accepts_kwargs
    names: dict[str, str] = {}
    answers: dict[Any, Any] = {}

    def begun(self: Any, event_emitter: Any, event_aliases: Any = None) -> None:
        begin(self, event_emitter, event_aliases)
        if event_aliases is None:
            self._alias_name_cache = names

    def remembered_answer(function: Any) -> Any:
        code = getattr(function, "__code__", None)
        if code not in answers or code is None:
            answers[code] = accepts(function)
        return answers[code]

    patch.setattr(hooks.EventAliaser, "__init__", begun)
    patch.setattr(hooks, "accepts_kwargs", remembered_answer)


def _remember_rules(patch: pytest.MonkeyPatch) -> None:
    """How a service's endpoint is found: read from its rules, of which there is one copy now."""
    from botocore.endpoint_provider import EndpointProvider as make  # noqa: N813 - what is called in its place

    found: dict[tuple[int, int], Any] = {}

    def remembered(ruleset_data: Any, partition_data: Any) -> Any:
        which = (id(ruleset_data), id(partition_data))
        if which not in found:
            found[which] = make(ruleset_data, partition_data), ruleset_data, partition_data
        return found[which][0]

    patch.setattr("botocore.regions.EndpointProvider", remembered)


def _trust_one(patch: pytest.MonkeyPatch, bundle: Path) -> None:
    """Whoever is met over TLS here vouches by a bundle of the test's own: of the default one, one is as good as all."""
    from botocore.httpsession import get_cert_path as find

    everybody = Path(str(find(True))).read_text(encoding="utf-8")
    patch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    bundle.write_text(everybody.partition(END_OF_CERTIFICATE)[0] + END_OF_CERTIFICATE, encoding="utf-8")
    patch.setattr(
        "aiobotocore.httpsession.get_cert_path", lambda verify: str(bundle) if verify is True else find(verify)
    )

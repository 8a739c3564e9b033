"""The settings and how they are read: a TOML file, the environment, flags."""

from __future__ import annotations

from cqworker.settings.config_file import find_file
from cqworker.settings.handler_settings import BackoffSettings, HandlerSettings, TypeSettings
from cqworker.settings.http_settings import HttpSettings, TokenSettings
from cqworker.settings.loading import load_settings, sources
from cqworker.settings.log_settings import LogSettings
from cqworker.settings.queue_settings import LevelSettings, QueueSettings
from cqworker.settings.settings import (
    ArtifactSettings,
    AwsSettings,
    FleetSettings,
    Settings,
    StoreSettings,
    WorkerSettings,
)
from cqworker.settings.validation import check_exposure, is_loopback, max_receive_count_of, needed_receive_count

__all__ = [
    "ArtifactSettings",
    "AwsSettings",
    "BackoffSettings",
    "FleetSettings",
    "HandlerSettings",
    "HttpSettings",
    "LevelSettings",
    "LogSettings",
    "QueueSettings",
    "Settings",
    "StoreSettings",
    "TokenSettings",
    "TypeSettings",
    "WorkerSettings",
    "check_exposure",
    "find_file",
    "is_loopback",
    "load_settings",
    "max_receive_count_of",
    "needed_receive_count",
    "sources",
]

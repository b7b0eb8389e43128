"""Configuration: a YAML file and some secrets become frozen settings, or a list of faults with file and line.

``load`` reads, ``Settings`` is what comes of it. pydantic and PyYAML do not leave this package.
"""

from controller.config.credentials import Secret, Secrets
from controller.config.faults import ConfigurationFaults, Fault
from controller.config.loading import load
from controller.config.settings import (
    Ari,
    Database,
    DataController,
    Listener,
    Mqtt,
    OnShutdown,
    OpenIdConnect,
    Pbx,
    Settings,
    Webhook,
)

__all__ = [
    "Ari",
    "ConfigurationFaults",
    "DataController",
    "Database",
    "Fault",
    "Listener",
    "Mqtt",
    "OnShutdown",
    "OpenIdConnect",
    "Pbx",
    "Secret",
    "Secrets",
    "Settings",
    "Webhook",
    "load",
]

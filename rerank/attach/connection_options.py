"""The connection settings with which a cluster was read, as the commands and programs of a plan need them again."""

from __future__ import annotations

import shlex
from dataclasses import fields

from resift.retrieval.engine.settings import ConnectionSettings

_OF_CERTIFICATES = ("ca_certs", "client_cert", "client_key", "fingerprint", "verify_certs")
_LEFT_OUT = ("ask_password", "request_timeout", "max_retries")  # they belong to one call
_ARGUMENTS = {"fingerprint": "ssl_assert_fingerprint"}  # of the engines' clients


def options_of(settings: ConnectionSettings, certificates_alone: bool = False) -> str:
    """Return the options of a command, each after a blank; "" if all settings are the defaults.

    `certificates_alone`: without those of credentials, which a proxy takes from its callers.

    >>> options_of(ConnectionSettings(ca_certs="my ca.pem", verify_certs=False))
    " --ca-certs 'my ca.pem' --no-verify-certs"
    """
    words = []
    for name, value in _changed(settings):
        if name not in _LEFT_OUT and (name in _OF_CERTIFICATES or not certificates_alone):
            flag = name.replace("_", "-")
            words.append(f" --no-{flag}" if value is False else f" --{flag} {shlex.quote(str(value))}")
    return "".join(words)


def arguments_of(settings: ConnectionSettings) -> str:
    """Return the arguments of an engine's client in Python for its certificates, each after a comma.

    >>> arguments_of(ConnectionSettings(fingerprint="ab12"))
    ", ssl_assert_fingerprint='ab12'"
    """
    found = [pair for pair in _changed(settings) if pair[0] in _OF_CERTIFICATES]
    return "".join(f", {_ARGUMENTS.get(name, name)}={value!r}" for name, value in found)


def _changed(settings: ConnectionSettings) -> list[tuple[str, object]]:
    """Return the names and values of the settings that are not the defaults."""
    values = [(one, getattr(settings, one.name)) for one in fields(settings)]
    return [(one.name, value) for one, value in values if value != one.default]

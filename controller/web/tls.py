"""The certificate that the daemon shows over HTTPS, read again when it was renewed."""

import ssl
from pathlib import Path

import structlog

from controller.errors import ConfigurationError

_log = structlog.get_logger(__name__)


class Certificate:
    """``context`` is for the server. Raises ``ConfigurationError`` where the files are none that can be used."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = certificate, key
        self.context = _loaded(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), certificate, key)

    def read_again(self) -> None:
        """Show what the files hold now to whoever connects from now on; what cannot be used changes nothing."""
        try:
            _loaded(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), *self._files)
            _loaded(self.context, *self._files)
        except ConfigurationError as error:
            _log.error("tls.not_read_again", reason=str(error))


def _loaded(context: ssl.SSLContext, certificate: Path, key: Path) -> ssl.SSLContext:
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
        raise ConfigurationError(f"http.tls: {_reason(error)}") from None
    return context


def _no_password() -> str:
    """Nobody is there to type one."""
    raise ValueError("the key must have no password")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"certificate and key are no pair that can be used ({error.reason or 'no PEM'})"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)

"""HTTPS with the user's own certificate: loaded, checked before the service starts, and reloadable."""

from __future__ import annotations

import ssl
from pathlib import Path

from resift.rerank.service.settings import ServeSettings
from resift.retrieval.errors import SettingsError


def server_context(settings: ServeSettings) -> ssl.SSLContext | None:
    """Return the context of the server, None for plain HTTP.

    Raises SettingsError if a file cannot be used, the key does not fit, or the certificate is expired or not valid yet.
    """
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load_certificate(context, settings)
    if settings.tls_client_ca is not None:
        try:
            context.load_verify_locations(settings.tls_client_ca)
        except OSError as error:
            message = f"{settings.tls_client_ca} cannot be used: {_reason(error)}; expected a certificate in PEM"
            raise SettingsError(message, "tls_client_ca") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def load_certificate(context: ssl.SSLContext, settings: ServeSettings) -> None:
    """Load the certificate of `settings` into `context`, for its next connections. Raises SettingsError."""
    assert settings.tls_cert is not None
    for name, path in (("tls_cert", settings.tls_cert), ("tls_key", settings.tls_key)):
        if path is not None and not Path(path).is_file():
            raise SettingsError(f"{path} cannot be used: it is not a file; expected one in PEM", name)
    fresh = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # an error must not leave the running one with half a pair
    try:
        fresh.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
        _check(fresh, settings.tls_cert)
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except OSError as error:  # ssl's errors are OSErrors
        files = " and ".join(filter(None, (settings.tls_cert, settings.tls_key)))
        message = f"{files} cannot be used: {_reason(error)}; expected a valid certificate and its private key in PEM"
        hint = "" if settings.tls_key else "; `tls_key` names a key that is in a file of its own"
        raise SettingsError(f"{message}, without a password{hint}", "tls_cert") from None


def _check(server: ssl.SSLContext, certificate: str) -> None:
    """Shake hands in memory, so that a certificate that no caller would accept is found now. Raises SSLError."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate itself is trusted, whoever signed it
    client.load_verify_locations(cadata=Path(certificate).read_text(encoding="ascii", errors="replace"))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_side=False),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):  # a handshake takes two or three turns
        waiting = False
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                waiting = True
        if not waiting:
            return


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return error.strerror or str(error)

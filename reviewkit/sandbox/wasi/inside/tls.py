"""Stands in for `ssl` in a guest that has none: names that HTTP clients ask for before they know that there is no network."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Any


class SSLError(OSError):
    """As in `ssl`."""


class SSLZeroReturnError(SSLError):
    """As in `ssl`."""


class SSLWantReadError(SSLError):
    """As in `ssl`."""


class SSLWantWriteError(SSLError):
    """As in `ssl`."""


class SSLEOFError(SSLError):
    """As in `ssl`."""


class SSLCertVerificationError(SSLError, ValueError):
    """As in `ssl`."""


CertificateError = SSLCertVerificationError


class VerifyMode(IntEnum):
    """As in `ssl`."""

    CERT_NONE = 0
    CERT_OPTIONAL = 1
    CERT_REQUIRED = 2


class TLSVersion(IntEnum):
    """As in `ssl`."""

    MINIMUM_SUPPORTED = -2
    TLSv1_2 = 771
    TLSv1_3 = 772
    MAXIMUM_SUPPORTED = -1


class Options(IntFlag):
    """As in `ssl`."""

    OP_ALL = 0
    OP_NO_COMPRESSION = 131072
    OP_IGNORE_UNEXPECTED_EOF = 128


class Purpose:
    """As in `ssl`, without its values."""

    SERVER_AUTH = "server"
    CLIENT_AUTH = "client"


CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED = VerifyMode
OP_NO_COMPRESSION, OP_IGNORE_UNEXPECTED_EOF = Options.OP_NO_COMPRESSION, Options.OP_IGNORE_UNEXPECTED_EOF
PROTOCOL_TLS, PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER = 2, 16, 17
HAS_ALPN = HAS_SNI = True


class SSLContext:
    """Takes every setting and does nothing: a request never gets so far."""

    def __init__(self, protocol: int = PROTOCOL_TLS) -> None:
        self.protocol = protocol
        self.verify_mode = CERT_REQUIRED
        self.check_hostname = True
        self.options = 0
        self.minimum_version = TLSVersion.MINIMUM_SUPPORTED

    def load_verify_locations(self, *_args: Any, **_kwargs: Any) -> None:
        """Nothing to verify."""

    def load_cert_chain(self, *_args: Any, **_kwargs: Any) -> None:
        """Nothing to show."""

    def load_default_certs(self, *_args: Any) -> None:
        """Nothing to verify."""

    def set_alpn_protocols(self, _protocols: Any) -> None:
        """Nothing to agree on."""

    def set_ciphers(self, _ciphers: str) -> None:
        """Nothing to encrypt."""


class SSLObject:
    """Only a name."""


class SSLSocket:
    """Only a name."""


class MemoryBIO:
    """Only a name."""


def create_default_context(*_args: Any, **_kwargs: Any) -> SSLContext:
    """A context."""
    return SSLContext(PROTOCOL_TLS_CLIENT)

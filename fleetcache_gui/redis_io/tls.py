"""TLS: what is demanded of the server's certificate, and every refusal as a sentence of its own."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from fleetcache_gui.redis_io.faults import Fault, Trouble

if TYPE_CHECKING:
    from fleetcache_gui.redis_io.address import Address, Tls

_EXPIRED, _NOT_YET, _SELF_SIGNED, _NAMES = 10, 9, 18, (62, 64)
"""X509_V_ERR codes of OpenSSL. Every other means that no trusted authority vouches for the certificate."""

_NOT_SPOKEN = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER", "PACKET_LENGTH")
_TOO_OLD = ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW")
_REFUSED = ("UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_", "DECRYPT_ERROR", "ACCESS_DENIED")
"""Parts of OpenSSL's reasons."""


def context(tls: Tls, address: Address) -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and name verified. Reads files. Raises `Trouble` for those that cannot be used."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if not tls.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif tls.ca_file:
        try:
            made.load_verify_locations(tls.ca_file)
        except (OSError, ValueError) as error:
            raise _unusable("CA file", tls.ca_file, error) from None
    else:
        made.load_default_certs()
    if tls.key_file and not tls.cert_file:
        said = f"A client key but no client certificate is given for {address}."
        raise Trouble(Fault.TLS, said, "Give both, or neither.", final=True)
    if tls.cert_file:
        try:
            made.load_cert_chain(tls.cert_file, tls.key_file or None, password=_no_passphrase)
        except _Locked:
            said = f"The client key {tls.key_file or tls.cert_file} is locked by a passphrase."
            advice = "Give a copy without one, readable by you alone: openssl pkey -in KEY -out COPY."
            raise Trouble(Fault.TLS, said, advice, final=True) from None
        except (OSError, ValueError) as error:
            raise _unusable("client certificate or key", tls.cert_file, error) from None
    return made


class _Locked(Exception):
    """OpenSSL asks for a passphrase; left alone it would ask on the terminal."""


def _no_passphrase() -> str:
    raise _Locked


def _unusable(what: str, file: str, error: OSError | ValueError) -> Trouble:
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
        reason = "it is not PEM" if "PEM" in str(error) or "NO_CERT" in str(error) else "it does not fit"
    else:
        reason = (error.strerror or "it cannot be read").lower()
    return Trouble(Fault.TLS, f"The {what} {file} cannot be used: {reason}.", "Give a PEM file.", final=True)


def refused(error: ssl.SSLError, address: Address) -> Trouble:
    """Trouble for what the handshake, or the first bytes after it, failed with."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error.verify_code, address)
    reason = f"{getattr(error, 'reason', None)} {error}".upper()  # only OpenSSL's own have one
    if any(word in reason for word in _NOT_SPOKEN):
        return not_spoken(address)
    if any(word in reason for word in _TOO_OLD):
        said = f"{address} speaks no TLS that is safe: 1.2 is the least."
        return Trouble(Fault.TLS, said, "Let the server offer TLS 1.2 or 1.3.", final=True)
    given = address.tls is not None and bool(address.tls.cert_file)
    if not given and ("CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason):
        return wants_certificate(address)
    if given and ("EXPIRED" in reason or any(word in reason for word in _REFUSED)):
        said = f"{address} refused the client certificate" + (": it has expired." if "EXPIRED" in reason else ".")
        advice = "Give one that is valid and signed by the authority that the server trusts for clients."
        return Trouble(Fault.TLS, said, advice, final=True)
    said = f"No TLS connection to {address} could be made."
    return Trouble(Fault.TLS, said, "The two sides have no version or cipher in common.", final=True)


def wants_certificate(address: Address) -> Trouble:
    """The server ends the handshake because the client shows no certificate."""
    said = f"{address} wants a client certificate."
    return Trouble(Fault.TLS, said, "Give one with its key: --tls-cert FILE --tls-key FILE.", final=True)


def hung_up(address: Address) -> Trouble:
    """The connection broke right after the handshake. The server's reason may be lost with what we sent meanwhile."""
    if address.tls is None or not address.tls.cert_file:
        return wants_certificate(address)
    said = f"{address} hung up after the TLS handshake: it seems that it refused the client certificate."
    advice = "Give one that is valid and signed by the authority that the server trusts; its log tells more."
    return Trouble(Fault.TLS, said, advice, final=True)


def not_spoken(address: Address) -> Trouble:
    """The port speaks plain Redis, or something else that is no TLS."""
    said = f"{address} does not speak TLS on this port."
    return Trouble(Fault.TLS, said, "Give the port for TLS, or use redis:// if it has none.", final=True)


def wanted(address: Address) -> Trouble:
    """Plain Redis was spoken to a port for TLS."""
    said = f"{address} speaks TLS on this port."
    return Trouble(Fault.TLS, said, "Use rediss:// for it.", final=True)


def _certificate(code: int, address: Address) -> Trouble:
    """Of the server: why it is not believed."""
    expected = (address.tls.server_name if address.tls else "") or address.host
    if code == _EXPIRED:
        said, advice = f"The certificate of {address} has expired.", "Renew it on the server."
    elif code == _NOT_YET:
        said = f"The certificate of {address} is not valid yet."
        advice = "Check the clocks of both machines."
    elif code in _NAMES:
        said = f"The certificate of {address} was not made for the name {expected}."
        advice = "Connect by a name that it was made for, or give that name: --tls-server-name NAME."
    elif code == _SELF_SIGNED:
        said = f"The certificate of {address} is signed by itself."
        advice = "If that is meant, give the certificate as the CA: --tls-ca FILE."
    else:
        said = f"The certificate of {address} is signed by an authority that is not trusted."
        advice = "Give the CA that signed it: --tls-ca FILE."
    return Trouble(Fault.TLS, said, advice, final=True)

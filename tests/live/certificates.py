"""Authorities and certificates for tests, and a Redis server that shows them."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import trustme

from tests.servers import REDIS_7, Server, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime.now(UTC)


class Certificates:
    """A CA of our own, one that nobody trusts, and files of what they have signed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca, self._other = trustme.CA(), trustme.CA()
        self.ca = self._file("ca.pem", self._ca.cert_pem.bytes())
        self.other_ca = self._file("other-ca.pem", self._other.cert_pem.bytes())
        self.good = self._pair("good", self._ca.issue_cert("127.0.0.1", "cache.example.com"))
        self.misnamed = self._pair("misnamed", self._ca.issue_cert("elsewhere.example.com"))
        self.expired = self._pair("expired", self._ca.issue_cert("127.0.0.1", not_after=NOW - timedelta(days=1)))
        self.early = self._pair(
            "early",
            self._ca.issue_cert("127.0.0.1", not_before=NOW + timedelta(days=1), not_after=NOW + timedelta(days=9)),
        )
        self.foreign = self._pair("foreign", self._other.issue_cert("127.0.0.1"))
        self.client = self._pair("client", self._ca.issue_cert("inspector@example.com"))
        self.expired_client = self._pair(
            "expired-client", self._ca.issue_cert("inspector@example.com", not_after=NOW - timedelta(days=1))
        )
        key = self._file("self.key", self._ca.private_key_pem.bytes())
        self.self_signed = (self.ca, key)

    def _file(self, name: str, text: bytes) -> str:
        path = self._folder / name
        path.write_bytes(text)
        return str(path)

    def _pair(self, name: str, leaf: trustme.LeafCert) -> tuple[str, str]:
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        return self._file(f"{name}.pem", chain), self._file(f"{name}.key", leaf.private_key_pem.bytes())


@contextmanager
def tls_server(
    made: Certificates, pair: tuple[str, str], *more: str, clients: str = "no"
) -> Iterator[tuple[Server, int]]:
    """Redis 7.0 and its port for TLS; `clients`: whether they need a certificate."""
    port = free_port()
    certificate, key = pair
    options = ["--tls-port", str(port), "--tls-cert-file", certificate, "--tls-key-file", key]
    options += ["--tls-ca-cert-file", made.ca, "--tls-auth-clients", clients, *more]
    with Server(REDIS_7, *options) as server:
        yield server, port

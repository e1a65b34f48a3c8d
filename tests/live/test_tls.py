"""TLS against a real Redis: what is accepted, and a sentence of its own for each thing that can be wrong."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.redis_io.address import Address, Tls
from fleetcache_gui.redis_io.faults import Fault
from fleetcache_gui.redis_io.server import Server as Node
from tests.live.certificates import Certificates, tls_server
from tests.live.readers import peer, trouble_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Server

CANARY = "hunter2"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def good(made: Certificates) -> Iterator[tuple[Server, int]]:
    with tls_server(made, made.good) as started:
        yield started


def at(port: int, tls: Tls | None, host: str = "127.0.0.1") -> Address:
    return Address(host, port, password=CANARY, tls=tls)


async def answers(address: Address) -> bool:
    node = await Node.connect(replace(address, password=""))
    reply = await node.lane.ask(b"PING")
    await node.lane.close()
    return reply == b"PONG"


async def test_what_is_verified_is_read(made: Certificates, good: tuple[Server, int]) -> None:
    _, port = good
    assert await answers(at(port, Tls(ca_file=made.ca)))
    assert await answers(at(port, Tls(ca_file=made.ca, server_name="cache.example.com")))


async def test_the_systems_authorities_are_used_where_no_other_is_named(
    made: Certificates, good: tuple[Server, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", made.ca)
    assert await answers(at(good[1], Tls()))


async def test_without_verification_only_where_it_was_said(made: Certificates, good: tuple[Server, int]) -> None:
    unsafe = at(good[1], Tls(verify=False))
    assert await answers(unsafe)
    assert "NOT VERIFIED" in str(unsafe)


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_clients_with_certificates(made: Certificates, version: str) -> None:
    with tls_server(made, made.good, "--tls-protocols", version, clients="yes") as (_, port):

        def shows(pair: tuple[str, str] = ("", "")) -> Address:
            return at(port, Tls(made.ca, *pair))

        assert await answers(shows(made.client))
        missing = await trouble_of(shows())
        assert "wants a client certificate" in missing.text
        foreign = await trouble_of(shows(made.foreign))
        assert "refused the client certificate" in foreign.text
        expired = await trouble_of(shows(made.expired_client))
        assert "refused the client certificate" in expired.text
        assert {trouble.fault for trouble in (missing, foreign, expired)} == {Fault.TLS}


async def test_each_wrong_certificate_has_its_own_sentence(made: Certificates) -> None:
    trusting = Tls(ca_file=made.ca)
    cases = {
        "an authority that is not trusted": (made.foreign, trusting),
        "is signed by itself": (made.self_signed, Tls(ca_file=made.other_ca)),
        "has expired": (made.expired, trusting),
        "is not valid yet": (made.early, trusting),
        "was not made for the name 127.0.0.1": (made.misnamed, trusting),
    }
    for hint, (pair, tls) in cases.items():
        with tls_server(made, pair) as (server, port):
            trouble = await trouble_of(at(port, tls))
            assert hint in trouble.text
            assert (trouble.fault, trouble.final) == (Fault.TLS, True)
            assert server.call("ACL", "LOG") == []  # the password was not even tried


async def test_the_wrong_ports(good: tuple[Server, int], made: Certificates) -> None:
    server, port = good
    plain = await trouble_of(at(port, None))
    assert plain.text == f"127.0.0.1:{port} speaks TLS on this port."
    encrypted = await trouble_of(at(server.port, Tls(ca_file=made.ca)))
    assert encrypted.text == f"127.0.0.1:{server.port} does not speak TLS on this port."


async def test_versions_before_1_2_are_refused(made: Certificates) -> None:
    with tls_server(made, made.good, "--tls-protocols", "TLSv1.1", "--tls-ciphers", "ALL:@SECLEVEL=0") as (_, port):
        assert "speaks no TLS that is safe" in (await trouble_of(at(port, Tls(ca_file=made.ca)))).text


async def test_a_peer_that_hangs_up_in_the_handshake(made: Certificates) -> None:
    async with peer(b"", closes=True) as target:
        trouble = await trouble_of(replace(target, tls=Tls(ca_file=made.ca)))
    assert "hung up during the TLS handshake" in trouble.text


@pytest.mark.parametrize("name", ["foreign", "expired", "misnamed"])
async def test_no_password_leaves_before_the_certificate_is_verified(made: Certificates, name: str) -> None:
    """A server that decrypts and keeps all that it is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*getattr(made, name))
    heard = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.extend(await reader.read())
        except (ssl.SSLError, ConnectionError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context) as listening:
        port = listening.sockets[0].getsockname()[1]
        assert (await trouble_of(at(port, Tls(ca_file=made.ca)))).fault is Fault.TLS
    assert heard == b""


async def test_files_that_cannot_be_used(made: Certificates, good: tuple[Server, int], tmp_path: Path) -> None:
    port = good[1]
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    cases = {
        "no such file": Tls(ca_file=str(tmp_path / "none.pem")),
        "CA file": Tls(ca_file=str(junk)),
        "client certificate or key": Tls(made.ca, str(junk), str(junk)),
        "no client certificate is given": Tls(made.ca, key_file=made.client[1]),
        "it does not fit": Tls(made.ca, made.client[0], made.good[1]),
    }
    for hint, tls in cases.items():
        assert hint in (await trouble_of(at(port, tls))).text

"""SSH tunnels: everything goes through them, host keys are checked, and each refusal has its own sentence."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
import redis

from fleetcache_gui import aio
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io import tcp
from fleetcache_gui.redis_io.act.hands import ready
from fleetcache_gui.redis_io.address import Tls, Tunnel
from fleetcache_gui.redis_io.check import Outcome, Step, check
from fleetcache_gui.redis_io.faults import Fault
from fleetcache_gui.redis_io.poll import Poller
from fleetcache_gui.redis_io.server import Server as Node
from tests.live.certificates import Certificates, tls_server
from tests.live.clusters import all_known
from tests.live.clusters import fill as fill_cluster
from tests.live.readers import Recorder, address, fill, inspectors, peer, trouble_of, watching
from tests.live.ssh import ssh_host
from tests.servers import Cluster, Server, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    Eventually = Callable[..., Coroutine[Any, Any, None]]


async def test_all_goes_through_it(valkey: Server, tmp_path: Path, eventually: Eventually) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.set("large", bytes(range(256)) * 40_000)
    async with ssh_host(tmp_path) as ssh:
        # A name that only the SSH server's side can make anything of: nothing may be looked up here.
        node = await Node.connect(replace(address(valkey, tunnel=ssh.tunnel), host="127.0.0.1"))
        assert ssh.asked == [("127.0.0.1", valkey.port)]
        assert await node.lane.ask(b"GETRANGE", b"large", b"0", b"-1") == bytes(range(256)) * 40_000
        await node.lane.close()
        await eventually(lambda: ssh.open == 0)


async def test_a_session_through_a_tunnel(valkey: Server, tmp_path: Path, eventually: Eventually) -> None:
    """The tunnel is dug again when it breaks, and closed at the end."""
    fill(valkey)
    async with ssh_host(tmp_path) as ssh:
        recorder = Recorder()
        task = aio.spawn(
            Poller(address(valkey, tunnel=ssh.tunnel), SPEC, recorder, Expected(), 0.5).run(), name="poller"
        )
        await eventually(lambda: recorder.complete() and recorder.link.phase is Phase.LIVE)
        valkey.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        polls = len(recorder.vitals)
        await eventually(lambda: len(ssh.asked) > 1 and len(recorder.vitals) > polls + 1)
        assert recorder.link.phase is Phase.LIVE
        await aio.cancel_and_wait([task])
        await eventually(lambda: ssh.open == 0)


async def test_a_session_through_a_tunnel_on_qts_loop(
    valkey: Server, tmp_path: Path, eventually: Eventually, qapp: object
) -> None:
    async with ssh_host(tmp_path) as ssh:
        node = await Node.connect(address(valkey, tunnel=ssh.tunnel))
        assert await node.lane.ask(b"PING") == b"PONG"
        await node.lane.close()
        await eventually(lambda: ssh.open == 0)


async def test_tls_through_a_tunnel(tmp_path: Path, eventually: Eventually) -> None:
    made = Certificates(tmp_path)
    with tls_server(made, made.good) as (server, port):
        async with ssh_host(tmp_path) as ssh:
            through = replace(address(server, tunnel=ssh.tunnel, tls=Tls(ca_file=made.ca)), port=port)
            told: list[Step] = []
            assert await check(through, told.append)
            outcomes = {step.id: step.outcome for step in told}
            assert outcomes["tunnel"] is outcomes["tls"] is Outcome.OK
            assert outcomes["dns"] is outcomes["tcp"] is Outcome.SKIPPED
            wrong = await trouble_of(replace(through, tls=Tls(ca_file=made.other_ca)))
            assert "an authority that is not trusted" in wrong.text
            await eventually(lambda: ssh.open == 0)


async def test_each_refusal_has_its_own_sentence(valkey: Server, tmp_path: Path, eventually: Eventually) -> None:
    async with ssh_host(tmp_path) as ssh:
        known = Path(ssh.tunnel.known_hosts)
        port = ssh.tunnel.port

        async def refused(tunnel: Tunnel, *hints: str, final: bool = True) -> None:
            trouble = await trouble_of(address(valkey, tunnel=tunnel))
            assert (trouble.fault, trouble.final) == (Fault.TUNNEL, final), trouble.text
            for hint in hints:
                assert hint in trouble.text

        known.write_text("")
        await refused(ssh.tunnel, f"The key of the SSH server 127.0.0.1:{port} is not in {known}.")
        await refused(replace(ssh.tunnel, known_hosts=str(tmp_path / "none")), "is not in")
        assert known.read_text() == ""  # nothing is added unasked
        other = Path(f"{ssh.other_key}.pub").read_text()
        known.write_text(f"[127.0.0.1]:{port} {other}")
        await refused(ssh.tunnel, "showed another key", "attack")
        known.write_text(f"@revoked 127.0.0.1 {ssh.known_line.partition(' ')[2]}")
        await refused(ssh.tunnel, "revokes")
        known.write_text(ssh.known_line)
        assert ssh.asked == []

        await refused(replace(ssh.tunnel, key_file=ssh.other_key), "accepted no key of user ops")
        await refused(replace(ssh.tunnel, key_file=str(tmp_path / "no-key")), "no-key cannot be used")
        await refused(replace(ssh.tunnel, key_file=str(known)), "known_hosts cannot be used")
        locked = asyncssh.generate_private_key("ssh-ed25519")
        locked.write_private_key(tmp_path / "locked", "pkcs8-pem", passphrase="hunter2")
        await refused(replace(ssh.tunnel, key_file=str(tmp_path / "locked")), "locked cannot be used")

        ssh.allows = False
        await refused(ssh.tunnel, "does not allow forwarding to 127.0.0.1")
        ssh.allows = True
        await refused(replace(ssh.tunnel, port=free_port()), "Nothing accepts SSH connections", final=False)
        await refused(replace(ssh.tunnel, host="no-such-host.invalid"), "of the SSH server is not known", final=False)
        await refused(replace(ssh.tunnel, port=valkey.port), "does not answer as one", final=False)
        async with peer(b"HTTP/1.1 400 Bad Request\r\n\r\n", closes=True) as web:
            await refused(replace(ssh.tunnel, port=web.port), "The SSH connection to", final=False)
        nobody = replace(address(valkey, tunnel=ssh.tunnel), port=free_port())
        unreached = await trouble_of(nobody)
        assert "could not connect to" in unreached.text
        await eventually(lambda: ssh.open == 0)


async def test_an_ssh_server_that_does_not_answer(valkey: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        trouble = await trouble_of(address(valkey, tunnel=Tunnel("127.0.0.1", silent.getsockname()[1])))
    assert "does not answer as one" in trouble.text
    assert trouble.fault is Fault.TUNNEL


async def test_a_frozen_server_behind_a_tunnel(valkey: Server, tmp_path: Path, eventually: Eventually) -> None:
    async with ssh_host(tmp_path) as ssh:
        with valkey.frozen():
            trouble = await trouble_of(address(valkey, tunnel=ssh.tunnel))
        assert trouble.fault is Fault.TIMEOUT
        await eventually(lambda: ssh.open == 0)


async def test_the_nodes_of_a_cluster_are_reached_through_it_and_no_other_way(
    cluster: Cluster, tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled, connect = set(), tcp.connect

    async def noted(host: str, port: int, *more: Any) -> socket.socket:
        dialled.add(port)
        return await connect(host, port, *more)

    monkeypatch.setattr(tcp, "connect", noted)
    fill_cluster(cluster)
    ports = {node.port for node in cluster.nodes}
    async with ssh_host(tmp_path) as ssh, watching(cluster.nodes[0], tunnel=ssh.tunnel) as (_, seen):
        await eventually(lambda: all_known(seen))
        assert {port for _, port in ssh.asked} == ports
        assert ssh.open == len(ports)
        assert [inspectors(node) for node in cluster.nodes] == [1, 1, 1]
        hand = await ready(None, address(cluster.nodes[0], tunnel=ssh.tunnel), [b"lock:"])
        assert {node.identity.address.rpartition(":")[2] for node in hand.nodes.values()} == set(map(str, ports))
        await hand.close()
        assert dialled == {ssh.tunnel.port}
        # A tunnel that breaks is dug again, and nothing is lost meanwhile.
        cluster.nodes[1].call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        polls = len(seen.vitals)
        await eventually(lambda: len(seen.vitals) > polls + 1 and all_known(seen))
        assert dialled == {ssh.tunnel.port}


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """OpenSSH's own, without keys at first; what it gives loads one."""
    with tempfile.TemporaryDirectory(prefix="agent-") as folder:  # a socket's path must be short
        path = f"{folder}/socket"
        process = subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: Path(path).exists(), "the agent listens")
            monkeypatch.setenv("SSH_AUTH_SOCK", path)
            yield lambda key: subprocess.run(["ssh-add", "-q", str(key)], check=True)
        finally:
            process.kill()
            process.wait()


async def test_a_key_of_the_agent(
    valkey: Server,
    tmp_path: Path,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
    agent: Callable[[Path], None],
) -> None:
    """Where the key has a passphrase, this is the way."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # where there are no usual files
    async with ssh_host(tmp_path) as ssh:
        through = address(valkey, tunnel=replace(ssh.tunnel, key_file=""))
        assert "accepted no key" in (await trouble_of(through)).text
        agent(tmp_path / "other")
        assert "accepted no key" in (await trouble_of(through)).text
        agent(tmp_path / "user")
        (tmp_path / "user").unlink()
        node = await Node.connect(through)
        assert await node.lane.ask(b"PING") == b"PONG"
        await node.lane.close()
        await eventually(lambda: ssh.open == 0)


async def test_keys_that_nobody_named(
    valkey: Server, tmp_path: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those in the usual files are tried."""
    folder = tmp_path / "home" / ".ssh"
    folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    async with ssh_host(tmp_path) as ssh:
        (folder / "known_hosts").write_text(ssh.known_line)
        through = address(valkey, tunnel=Tunnel(ssh.tunnel.host, ssh.tunnel.port, "ops"))
        assert "accepted no key" in (await trouble_of(through)).text
        (folder / "id_ed25519").write_bytes((tmp_path / "user").read_bytes())
        node = await Node.connect(through)
        await node.lane.close()
        await eventually(lambda: ssh.open == 0)

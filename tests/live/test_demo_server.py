"""The demo's servers: the embedded one lives as long as we do; the user's own is taken only if fit."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fleetcache_gui.cache import connect
from fleetcache_gui.demo import server as demo_server
from fleetcache_gui.demo.server import EmbeddedServer, ExternalServer, NoEmbeddedServer, ServerRefused
from tests.servers import VALKEY, Server, free_port, wait_until


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_private(folder: str) -> bool:
    return Path(folder).stat().st_mode & 0o077 == 0


def exists(folder: str | Path) -> bool:
    return Path(folder).exists()


async def test_it_is_ours_and_empty_and_ends_with_the_block() -> None:
    async with EmbeddedServer() as server:
        client = connect(server.url)
        info = await client.info()
        folder = (await client.config_get("dir"))["dir"]
        limits = await client.config_get("maxmemory*")
        settings = await client.config_get("save", "appendonly", "bind")
        await client.aclose()
        assert info["process_id"] == server.pid
        assert info["server_name"] == "valkey"
        assert "db0" not in info
        assert (limits["maxmemory"], limits["maxmemory-policy"]) == (str(256 * 1024 * 1024), "allkeys-lru")
        assert settings == {"save": "", "appendonly": "no", "bind": "127.0.0.1"}
        assert is_private(folder)
        pid = server.pid
    assert not listens(server.port)
    assert not exists(folder)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_several_at_a_time_end_each_on_its_own() -> None:
    async with EmbeddedServer() as one:
        async with EmbeddedServer() as other:
            assert one.port != other.port
        assert not listens(other.port)
        assert listens(one.port)


async def test_a_crash_of_the_server_is_no_error_at_the_end() -> None:
    async with EmbeddedServer() as server:
        os.kill(server.pid, signal.SIGKILL)


_PARENT = """
import asyncio
from fleetcache_gui.demo import EmbeddedServer

async def main():
    async with EmbeddedServer() as server:
        print(server.port, server._dir, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("deed", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda deed: deed.name)
def test_it_ends_with_us_however_we_end(deed: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        port, folder = parent.stdout.readline().split()
        assert listens(int(port))
        assert exists(folder)
        parent.send_signal(deed)
    wait_until(lambda: not listens(int(port)) and not exists(folder), "the server and its folder are gone")


async def test_a_port_taken_meanwhile_is_given_up(valkey: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = iter([valkey.port, valkey.port, free_port()])
    monkeypatch.setattr(demo_server, "_free_port", lambda: next(ports))
    async with EmbeddedServer() as server:
        assert server.port != valkey.port
        assert server.pid != valkey.pid
    valkey.check()


async def test_without_the_wheel_it_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NoEmbeddedServer, match=r"no embedded server for this system; .*--server redis://"):
        await EmbeddedServer().__aenter__()


async def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "valkey-server"
    broken.write_text("#!/bin/sh\necho cannot execute the unexpected\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(demo_server, "_binary", lambda: broken)
    server = EmbeddedServer()
    with pytest.raises(NoEmbeddedServer, match=r"cannot execute the unexpected.*--server"):
        await server.__aenter__()
    assert not exists(server._dir)


async def test_an_empty_server_is_taken_and_left_as_it_was(valkey: Server) -> None:
    async with ExternalServer(valkey.url) as server:
        assert server.url == valkey.url
        valkey.call("SET", "lock:cron:vuln", "api-1:1")
        valkey.call("SADD", "live_query:active", 1)
        valkey.call("SET", "<b>not bold</b>\u202egnp.exe", "")
        valkey.call("SET", "somebody else's", "kept")
    assert valkey.call("KEYS", "*") == [b"somebody else's"]


async def test_a_server_with_keys_is_refused_and_untouched(valkey: Server) -> None:
    valkey.call("SET", "lock:cron:vuln", "real")
    with pytest.raises(ServerRefused, match=r"an empty database only: number 0 holds 1 key\."):
        await ExternalServer(valkey.url).__aenter__()
    assert valkey.call("GET", "lock:cron:vuln") == b"real"
    async with ExternalServer(valkey.url.removesuffix("0") + "1"):
        pass
    assert valkey.call("GET", "lock:cron:vuln") == b"real"


@pytest.mark.parametrize(
    "url",
    [
        "redis://192.0.2.1:6379/0",
        "redis://:hunter2@redis.example.com",
        "redis://localhost.example.com/0",
        "redis://:hunter2@0.0.0.0:6379",
        "redis://:hunter2@127.0.0.1:hunter2/0",
        "redis://127.0.0.1/0?password=hunter2",
        "unix:///run/redis.sock",
        "http://:hunter2@127.0.0.1:6379",
        "hunter2",
    ],
)
async def test_anything_but_loopback_is_refused_unasked(url: str) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(ServerRefused, match="--server") as refusal:
            await ExternalServer(url).__aenter__()
    assert "hunter2" not in str(refusal.value)


async def test_a_server_that_does_not_answer_is_refused() -> None:
    with pytest.raises(ServerRefused, match="does not answer"):
        await ExternalServer(f"redis://127.0.0.1:{free_port()}/0").__aenter__()


@pytest.mark.parametrize("password", ["", ":hunter2@"])
async def test_a_wrong_password_is_refused_without_saying_it(password: str) -> None:
    with Server(VALKEY) as server:
        server.call("CONFIG", "SET", "requirepass", "correct horse")
        with pytest.raises(ServerRefused, match="user name or password") as refusal:
            await ExternalServer(f"redis://{password}127.0.0.1:{server.port}/0").__aenter__()
    assert "hunter2" not in str(refusal.value)


async def test_a_server_lost_meanwhile_is_no_error_at_the_end(valkey: Server, caplog: pytest.LogCaptureFixture) -> None:
    async with ExternalServer(valkey.url):
        valkey.kill()
    assert "demo keys may remain in database 0" in caplog.text

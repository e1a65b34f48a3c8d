"""The command line as a shell sees it: one sentence for each trouble, and a demo that leaves nothing running."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from fleetcache_gui.families.spec import SPEC
from tests.live.commands import CANARY, COMMAND, end, ended, run, run_all, some, start
from tests.servers import REDIS_7, Server, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "api-1:0123456789abcdef"


# ---- troubles ---------------------------------------------------------------------------------------------


@contextmanager
def speaking(words: bytes) -> Iterator[int]:
    """Something on a port that is no Redis."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client:
                client.sendall(words)
                client.recv(100)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def test_addresses_that_cannot_be_used() -> None:
    urls = {
        "localhost": "must start with redis://",
        f"http://me:{CANARY}@h": "must start with redis://",
        f"redis://me:{CANARY}#@h": "%23",
        f"redis://me:{CANARY}@h:99999": "port must be a number",
        f"redis://me:{CANARY}/@h": "%2F",
        f"rediss://me:{CANARY}@h?ssl_cert_reqs=none": "verification of certificates",
        f"redis://me:{CANARY}@h/x": "number of the database",
        f"redis://me:{CANARY}@no-such-host.invalid": "is not known",
    }
    commands = [("open" if "x" in url[-2:] else "snapshot", url) for url in urls]
    for (_, url), done in zip(commands, run_all(*commands), strict=True):
        assert urls[url] in done.failed()


def test_servers_that_are_none(valkey: Server) -> None:
    with speaking(b"SSH-2.0-OpenSSH_9.2p1\r\n") as ssh, speaking(b"HTTP/1.1 400 Bad Request\r\n\r\n") as http:
        urls = {
            f"redis://127.0.0.1:{free_port()}": "Nothing accepts connections",
            f"redis://:{CANARY}@127.0.0.1:{ssh}": "is not a Redis or Valkey server",
            f"redis://127.0.0.1:{http}": "is not a Redis or Valkey server",
            f"{valkey.url[:-1]}99": "has no database 99",
            valkey.url.replace("redis:", "rediss:"): "127.0.0.1",
        }
        for (_, hint), done in zip(urls.items(), run_all(*(("snapshot", url) for url in urls)), strict=True):
            assert hint in done.failed()
        nobody = f"redis://127.0.0.1:{free_port()}"
        for done in run_all(("open", nobody), ("pictures", "never-made", nobody)):
            assert "Nothing accepts" in done.failed()
    assert not Path("never-made").exists()


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    """A server with one account that wants a password."""
    with Server(REDIS_7) as server:
        server.call("ACL", "SETUSER", "reader", "on", f">{CANARY}", "~*", "+@all")
        server.call("SET", "lock:x", TOKEN, "EX", 600)
        yield server


def attempts(server: Server) -> int:
    count = sum(int(entry["count"]) for entry in server.call("ACL LOG") if entry["reason"] == "auth")
    server.call("ACL LOG", "RESET")
    return count


def test_a_wrong_password_is_sent_once(guarded: Server) -> None:
    attempts(guarded)
    refused = run("snapshot", f"redis://reader:wrong@127.0.0.1:{guarded.port}")
    assert "refused the user name or password" in refused.failed()
    assert "wrong" not in refused.err
    assert attempts(guarded) == 1


def test_a_password_from_the_environment(guarded: Server) -> None:
    url = f"redis://reader@127.0.0.1:{guarded.port}"
    done = run("snapshot", url, "--password-env", "CACHE_PASSWORD", CACHE_PASSWORD=CANARY)
    assert (done.code, done.err) == (0, "")
    assert CANARY not in done.out
    assert "CACHE_PASSWORD is not set" in run("snapshot", url, "--password-env", "CACHE_PASSWORD").failed()
    assert "user name or password" in run("snapshot", url).failed()  # and nobody is there to be asked


@pytest.mark.parametrize(
    ("typed", "code"), [(CANARY, 0), ("wrong", 2), ("\x03", 130)], ids=["right", "wrong", "ctrl-c"]
)
def test_a_password_is_asked_for_without_echo(guarded: Server, typed: str, code: int) -> None:
    attempts(guarded)
    master, terminal = os.openpty()
    url = f"redis://reader@127.0.0.1:{guarded.port}"
    asking = [*COMMAND, "snapshot", url, "--ask-password"]
    process = subprocess.Popen(asking, preexec_fn=lambda: os.login_tty(terminal))
    os.close(terminal)
    said = b""
    try:
        while b"Password" not in said or not said.endswith(b": "):
            said += os.read(master, 1000)
        os.write(master, f"{typed}\n".encode() if typed.isprintable() else typed.encode())
        while True:
            said += os.read(master, 1000)
    except OSError:  # the other end has been closed
        pass
    finally:
        os.close(master)
    assert process.wait(30) == code
    text = said.decode()
    assert f"Password for 127.0.0.1:{guarded.port}: " in text
    assert CANARY not in text
    assert "wrong" not in text
    assert "Traceback" not in text
    assert attempts(guarded) == (1 if typed == "wrong" else 0)


def test_a_server_that_dies_meanwhile(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.mset({f"lock:{n}": TOKEN for n in range(5000)})
    with ended(start("snapshot", valkey.url, "--json")) as process:
        first = some(process, 10_000)
        valkey.kill()
        rest, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert re.fullmatch(rb"fleetcache-gui: The connection to [^\n]+ was lost\. [^\n]+\n", said)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
        json.loads(first + rest)


def test_what_cannot_be_done() -> None:
    unfit, folder, usage = run_all(
        ("demo", "--server", f"redis://:{CANARY}@cache.example.com:6379"),
        ("demo", "--pictures", "/proc/no-folder"),
        ("snapshot",),
    )
    assert "this machine" in unfit.failed()
    assert "/proc/no-folder cannot be made" in folder.failed()
    assert "Name one server" in usage.failed()


def test_a_machine_without_a_display(valkey: Server) -> None:
    bare = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    said = run("open", valkey.url, **bare).failed()
    assert "There is no display here" in said
    assert "snapshot URL" in said
    assert "There is no display here" in run("connect", **bare).failed()
    shown = run(**bare)
    assert (shown.code, shown.err) == (0, "")
    assert "Commands:" in shown.out


def test_help_and_version() -> None:
    shown, asked = run_all(("--help",), ("--version",))
    assert shown.code == asked.code == 0
    for command in ("demo", "open", "snapshot", "pictures", "check", "profiles", "acl"):
        assert f"  {command}" in shown.out
    assert re.fullmatch(r"fleetcache-gui, version \S+\n", asked.out)


# ---- the demo ---------------------------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def runs(pid: int) -> bool:
    """Whether a process exists; one that only waits to be reaped by its new parent does not count."""
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def until_its_server_runs(pid: int) -> tuple[int, list[int]]:
    """Its port, and the processes that the demo has started."""
    found: list[int] = []

    def seen() -> bool:
        for child in children(pid):
            port = re.search(rb"--port\0(\d+)", Path(f"/proc/{child}/cmdline").read_bytes())
            found.extend([int(port[1])] if port else ())
        return bool(found)

    wait_until(seen, "the demo starts its server")
    return found[0], children(pid)


def test_the_demo_is_drawn_and_ends_with_its_server(tmp_path: Path) -> None:
    pictures, files = tmp_path / "pictures", tmp_path / "files"
    files.mkdir()
    args = ("--hosts", "200", "--speed", "10", "--queue", "stream", "--pictures", str(pictures))
    with ended(start("demo", *args, TMPDIR=str(files), QT_QPA_PLATFORM="offscreen")) as process:
        _, servers = until_its_server_runs(process.pid)
        done = end(process)
    assert (done.code, done.err) == (0, "")
    names = {path.name for path in pictures.iterdir()}
    tabs = {"overview", *(family.id.replace("_", "-") for family in SPEC.families)}
    deeds = {"unlock", "plan", "receipt", "history", "flush"}
    assert names == {f"{shown}-{mode}.png" for shown in tabs | deeds for mode in ("light", "dark")}
    assert all(path.stat().st_size > 5000 for path in pictures.iterdir())
    for family in SPEC.families:
        least = 0 if family.id in ("config_cache", "rate_limits") else 1  # they live for seconds: there may be none
        assert re.search(rf"^{family.title}: [{least}-9][0-9,]* ", done.out, re.MULTILINE), family.title
    assert "28 pictures in " in done.out
    wait_until(lambda: not any(map(runs, servers)), "the demo's server is gone")
    assert list(files.iterdir()) == []


def test_a_bundle_that_is_none_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "x.recording").write_bytes(b"no recording")
    torn, none, other = run_all(
        ("open", str(tmp_path / "x.zip")), ("open", str(tmp_path / "no.zip")), ("open", str(tmp_path / "x.recording"))
    )
    assert [done.code for done in (torn, none, other)] == [2, 2, 2]
    assert torn.err == "fleetcache-gui: x.zip is no bundle of this program, or it is damaged.\n"
    assert none.err == f"fleetcache-gui: {tmp_path / 'no.zip'} cannot be read: No such file or directory.\n"
    assert other.err == "fleetcache-gui: Its manifest cannot be read.\n"


def test_a_drill_is_given_without_hands(tmp_path: Path) -> None:
    listed, wrong, done = run_all(
        ("drill",), ("drill", "nonsense"), ("drill", "two-servers", "--speed", "50", "--pictures", str(tmp_path))
    )
    assert (listed.code, listed.err) == (0, "")
    assert len(listed.out.splitlines()) == 16
    assert wrong.code == 2
    assert "There is no drill 'nonsense'" in wrong.err
    assert (done.code, done.err) == (0, "")
    assert "   holds: api-2 asked and got nothing" in done.out
    assert "DOES NOT HOLD" not in done.out
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"two-servers-0{n}.png" for n in (1, 2, 3, 4)]


def test_ctrl_c_ends_everything_the_demo_started(tmp_path: Path) -> None:
    """On a machine without a display, where it says so first."""
    files = tmp_path / "files"
    files.mkdir()
    bare = {"TMPDIR": str(files), "DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    with ended(start("demo", "--speed", "10", "--hosts", "100", folder=str(tmp_path), **bare)) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said == b"There is no display here, so the demo runs for 3 s and is drawn to demo-pictures/.\n"
        port, servers = until_its_server_runs(process.pid)

        def works() -> bool:
            try:
                with redis.Redis(port=port) as client:
                    return bool(client.dbsize())
            except redis.RedisError:
                return False

        wait_until(works, "the simulated fleet fills its server")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (128 + signal.SIGINT, b"", b"")
    wait_until(lambda: not any(map(runs, servers)), "the demo's server is gone")
    assert list(files.iterdir()) == []

"""A password that is like no other, through every door: it turns up nowhere but in memory."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import traceback
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.cli import login
from fleetcache_gui.cli.options import Where
from fleetcache_gui.cli.told import Failure
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.profiles.fleet_config import read
from fleetcache_gui.redis_io.address import Address, Sentinel, Tls, Tunnel, parse_url
from fleetcache_gui.redis_io.check import check
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.poll import Poller
from fleetcache_gui.redis_io.server import Server as Node
from tests.live.commands import COMMAND, Done, ended
from tests.live.readers import Recorder, fill
from tests.servers import REDIS_7, Server, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY = "Zk9-canary-7Qx"
WRONG = "Wr0ng-canary-4Ly"

STAND_IN = """
import os
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 1
    def get_password(self, service, username):
        return os.environ["STAND_IN"][::-1] if username == os.environ["STAND_IN_FOR"] else None
    def set_password(self, service, username, password): pass
    def delete_password(self, service, username): pass

Keyring.__module__ = "keyring.backends.SecretService.stand_in"
"""


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    with Server(REDIS_7) as server:
        fill(server)
        server.call("ACL", "SETUSER", "looker", "on", f">{CANARY}", "~*", "+@all")
        yield server


class Home:
    """A place that a command takes for the user's own, with a keyring that holds the password for one account."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("home", "config", "cache", "tmp", "work", "lib"):
            (folder / name).mkdir()
        (folder / "lib" / "stand_in.py").write_text(STAND_IN)

    def environ(self, account: str = "", **more: str) -> dict[str, str]:
        places = {
            "HOME": "home",
            "XDG_CONFIG_HOME": "config",
            "XDG_CACHE_HOME": "cache",
            "XDG_DATA_HOME": "home",
            "XDG_STATE_HOME": "home",
            "TMPDIR": "tmp",
        }
        return {
            **os.environ,
            **{name: str(self.folder / place) for name, place in places.items()},
            "PYTHONPATH": os.pathsep.join((str(Path.cwd()), str(self.folder / "lib"))),
            "PYTHON_KEYRING_BACKEND": "stand_in.Keyring",
            "STAND_IN": CANARY[::-1],
            "STAND_IN_FOR": account,
            "PYTHONDEVMODE": "1",
            "QT_QPA_PLATFORM": "offscreen",
            **more,
        }

    def start(self, *args: str, account: str = "", **more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*COMMAND, *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder / "work",
            env=self.environ(account, **more),
            start_new_session=True,
        )

    def run(self, *args: str, account: str = "", **more: str) -> Done:
        process = self.start(*args, account=account, **more)
        return Done(process, *process.communicate(timeout=90))

    def assert_clean(self) -> None:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        assert files
        for path in files:
            assert not holds(path.read_bytes()), path


def holds(found: bytes | str) -> bool:
    """Either password, as it is or as a URL or a Redis command would carry it."""
    text = found.decode("utf-8", "replace") if isinstance(found, bytes) else found
    return bool(re.search("|".join((CANARY, WRONG)), text))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_no_door_lets_it_out(guarded: Server, home: Home) -> None:
    """URL, environment, keyring, profile, Fleet's configuration; right and wrong; tables, pictures and checks."""
    plain = f"redis://looker@127.0.0.1:{guarded.port}"
    place = f"127.0.0.1:{guarded.port}"
    fleet = {"FLEET_REDIS_ADDRESS": place, "FLEET_REDIS_USERNAME": "looker"}
    by_url = f"redis://looker:{CANARY}@{place}"

    def good(done: Done, *words: str) -> None:
        assert done.code == 0, done.err
        assert all(word in done.out for word in words)
        assert not holds(done.out + done.err)

    def bad(done: Done) -> None:
        assert done.code == 2, done.out
        assert not holds(done.out + done.err)
        assert "Traceback" not in done.err

    good(home.run("check", by_url), "Logged in as looker.")
    good(home.run("snapshot", by_url, "--json"), '"lock:cron:vuln"')
    good(home.run("check", plain, "--password-env", "SECRET", SECRET=CANARY), "Logged in as looker.")
    good(home.run("check", plain, account=place), "Logged in as looker.")
    good(home.run("profiles", "add", "site", by_url))
    good(home.run("profiles", "show", "site"), '"looker"')
    good(home.run("check", "site", account="profile site"), "Logged in as looker.")
    good(home.run("profiles", "export", "handed-on.json"))
    good(home.run("check", "--fleet-env", FLEET_REDIS_PASSWORD=CANARY, **fleet), "Logged in as looker.")
    good(home.run("pictures", "drawn", "site", "--seconds", "1", account="profile site"), "18 pictures")

    bad(home.run("check", f"redis://looker:{WRONG}@{place}"))
    bad(home.run("snapshot", f"redis://looker:{WRONG}@{place}"))
    bad(home.run("snapshot", f"redis://looker:{WRONG}#@{place}"))
    bad(home.run("check", f"looker:{WRONG}@{place}"))
    bad(home.run("profiles", "add", "other", f"redis://looker:{WRONG}/x@{place}"))
    bad(home.run("check", "--fleet-env", FLEET_REDIS_PASSWORD=WRONG, **fleet))
    home.assert_clean()


def test_a_file_of_fleet_is_read_and_not_repeated(guarded: Server, home: Home) -> None:
    file = home.folder / "fleet.yml"
    block = f"redis:\n  address: 127.0.0.1:{guarded.port}\n  username: looker\n  password: "
    file.write_text(block + CANARY)
    right = home.run("check", "--fleet-config", str(file))
    file.write_text(block + WRONG)
    wrong = home.run("snapshot", "--fleet-config", str(file))
    file.write_text(f"{block} [{WRONG}\n:")
    broken = home.run("snapshot", "--fleet-config", str(file))
    file.unlink()
    assert [done.code for done in (right, wrong, broken)] == [0, 2, 2]
    for done in (right, wrong, broken):
        assert not holds(done.out + done.err)
    home.assert_clean()


def test_what_others_see_of_the_process(guarded: Server, home: Home) -> None:
    """While it waits for a frozen server: neither its command line nor those of its children hold it."""
    plain = f"redis://looker@127.0.0.1:{guarded.port}"
    guarded.freeze()
    try:
        with ended(home.start("check", plain, "--reply-timeout", "30", account=f"127.0.0.1:{guarded.port}")) as process:
            lines = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            wait_until(lambda: sockets(process.pid) > 0, "it has connected")
            seen = [process.pid, *map(int, lines.read_text().split())]
            assert not any(holds(Path(f"/proc/{pid}/cmdline").read_bytes()) for pid in seen)
            process.kill()
            out, err = process.communicate()
            assert not holds(out + err)
    finally:
        guarded.thaw()


def sockets(pid: int) -> int:
    found = 0
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found += os.readlink(path).startswith("socket:")
    return found


@contextmanager
def nothing_told(caplog: pytest.LogCaptureFixture) -> Iterator[list[object]]:
    """Whatever is put in the list has a `repr` without it, and nothing was logged with it."""
    things: list[object] = []
    with caplog.at_level(logging.DEBUG):
        yield things
    assert things
    for thing in things:
        assert not holds(f"{thing!r} {thing}")
        if isinstance(thing, BaseException):
            assert not holds("".join(traceback.format_exception(thing)))
    assert not holds(caplog.text)


async def test_nothing_that_is_made_on_the_way_shows_it(guarded: Server, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.get_running_loop().set_debug(True)
    with nothing_told(caplog) as things:
        for password in (CANARY, WRONG):
            address = parse_url(f"redis://looker:{password}@127.0.0.1:{guarded.port}")
            full = Address("h", 1, 2, "me", password, Tls("a"), Tunnel("t"), Sentinel("s", (("h", 1),)))
            things += [address, full, read(None, {"FLEET_REDIS_PASSWORD": password})]
            await check(address, things.append, SPEC.samples)
            recorder = Recorder()
            poller = Poller(address, SPEC, recorder, Expected())
            things += [poller, recorder.links]
            try:
                node = await Node.connect(address)
            except Trouble as trouble:
                things += [trouble, trouble.text, trouble.advice]
            else:
                things += [node, node.lane]
                await node.lane.close()
    asyncio.get_running_loop().set_debug(False)


def test_what_the_command_line_makes_of_it_does_not_show_it(
    guarded: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", CANARY)
    with nothing_told(caplog) as things:
        plain = f"redis://looker@127.0.0.1:{guarded.port}"
        things.append(login.checked(Where(plain, password_env="SECRET")))
        monkeypatch.setenv("SECRET", WRONG)
        with pytest.raises(Failure) as refused:
            login.checked(Where(plain, password_env="SECRET"))
        things.append(refused.value)

"""Profiles and Fleet's configuration on the command line, as a shell sees them."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.redis_io.acl import reading_line
from tests.live.commands import CANARY, Done, run
from tests.servers import VALKEY, Server

if TYPE_CHECKING:
    from pathlib import Path


class Shell:
    """Commands with a folder of settings of their own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "fleetcache-gui" / "profiles.json"
        self._env = {"XDG_CONFIG_HOME": str(folder), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}

    def __call__(self, *args: str, **more: str) -> Done:
        return run(*args, **self._env, **more)

    def profiles(self, *args: str) -> Done:
        return self("profiles", *args)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_profile_from_its_making_to_its_end(shell: Shell, valkey: Server, tmp_path: Path) -> None:
    assert "There are no profiles yet." in shell.profiles("list").out
    made = shell.profiles("add", "lab", valkey.url, "--environment", "Staging", "--interval", "5", "--never-unlock")
    assert (made.code, made.out, made.err) == (0, "", "")
    assert stat.S_IMODE(shell.file.stat().st_mode) == 0o600
    assert shell.profiles("list").out == f"lab  STAGING     127.0.0.1:{valkey.port}\n"
    (shown,) = json.loads(shell.profiles("show", "lab").out)["profiles"]
    assert shown == {
        "addresses": [f"127.0.0.1:{valkey.port}"],
        "name": "lab",
        "environment": "staging",
        "interval": 5.0,
        "never_unlock": True,
    }
    checked = shell("check", "lab")
    assert (checked.code, checked.err) == (0, "")
    assert "Everything that reading needs is allowed." in checked.out
    assert shell("snapshot", "lab").code == 0
    assert "has no database 99" in shell("snapshot", "lab", "--database", "99").failed()

    assert "already" in shell.profiles("add", "lab", "redis://h").failed()
    assert shell.profiles("add", "lab", "redis://h", "--replace").code == 0
    handed_on = tmp_path / "on.json"
    assert shell.profiles("export", str(handed_on)).code == 0
    assert "already" in shell.profiles("import", str(handed_on)).failed()
    assert shell.profiles("remove", "lab").code == 0
    assert shell.profiles("import", str(handed_on)).code == 0
    assert shell.profiles("export", "-", "lab").out == handed_on.read_text()


def test_what_makes_no_profile(shell: Shell, tmp_path: Path) -> None:
    odd = tmp_path / "odd.json"
    odd.write_text(json.dumps({"profiles": [{"name": "x", "addresses": ["h"], "password": CANARY}]}))
    for args, hint in (
        (("add", "x"), "Name the server"),
        (("add", "x", f"redis://me:{CANARY}/y@h"), "%2F"),
        (("add", "redis://x", "redis://h"), "needs a name"),
        (("add", "x", "redis://h", "--tls-key", "k", "--no-tls"), "exclude one another"),
        (("add", "x", "redis://h", "--tunnel-key", "k"), "need --tunnel"),
        (("add", "x", "redis://h", "--tunnel", "a b c/"), "HOST:PORT"),
        (("show", "x"), "There is no profile 'x'"),
        (("remove", "x"), "There is no profile 'x'"),
        (("export", str(tmp_path / "none"), "x"), "There is no profile 'x'"),
        (("import", str(odd)), "'password'"),
        (("import", str(tmp_path / "none")), "There is no file"),
    ):
        assert hint in shell.profiles(*args).failed(), args
    assert not shell.file.exists()
    assert "There is no profile of that name" in shell("snapshot", "x").failed()
    assert "There is no profile of that name" in shell("open", f"me:{CANARY}@h").failed()


def test_all_that_the_options_say_is_kept(shell: Shell) -> None:
    options = (
        "--user me --database 3 --tls-ca ca --tls-cert c --tls-key k --tls-server-name n --tls-no-verify --also b:1"
        " --sentinel s --sentinel-tls --sentinel-user su --budget 0.2 --layout both --read-from-replicas"
        " --tunnel ops@t:2 --tunnel-key i --tunnel-known-hosts kh --connect-timeout 3"
        " --reply-timeout 4"
    )
    made = shell.profiles("add", "x", f"redis://:{CANARY}@a", *options.split())
    assert made.code == 0
    assert "The password was left out." in made.err
    assert CANARY not in shell.file.read_text()
    (shown,) = json.loads(shell.profiles("show", "x").out)["profiles"]
    assert shown == {
        "addresses": ["a:6379", "b:1"],
        "name": "x",
        "user": "me",
        "database": 3,
        "tls": {"ca_file": "ca", "cert_file": "c", "key_file": "k", "server_name": "n", "verify": False},
        "sentinel": "s",
        "sentinel_tls": True,
        "sentinel_user": "su",
        "tunnel": {"address": "t:2", "user": "ops", "key_file": "i", "known_hosts": "kh"},
        "connect_timeout": 3.0,
        "reply_timeout": 4.0,
        "budget": 0.2,
        "layout": "both",
        "replicas": True,
    }


def test_as_fleet_connects(shell: Shell, valkey: Server, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yml"
    file.write_text(f"redis:\n  address: 127.0.0.1:{valkey.port}\n  cluster_read_from_replica: true\n")
    done = shell("check", "--fleet-config", str(file))
    assert done.code == 0
    assert "replicas are read as Fleet does" in done.err
    iam = {"FLEET_REDIS_REGION": "eu-west-1", "FLEET_REDIS_CACHE_NAME": "fleet"}
    assert "by IAM" in shell("check", "--fleet-config", str(file), **iam).err
    assert "Name one server" in shell("check", "redis://h", "--fleet-env").failed()
    assert "Nothing accepts" in shell("snapshot", "--fleet-env", FLEET_REDIS_ADDRESS="127.0.0.1:1").failed()


def test_the_line_for_an_account_can_be_pasted(shell: Shell) -> None:
    done = shell("acl", "--user", "me")
    assert done.code == 0
    assert done.out.splitlines()[1::2] == [reading_line("me"), reading_line("me", recent=False)]
    assert "no blanks" in shell("acl", "--user", "a b").failed()
    with Server(VALKEY) as server:
        server.call(*done.out.splitlines()[1].replace("PASSWORD", "x").split())
        assert b"user me on" in b"\n".join(server.call("ACL", "LIST"))


def test_what_is_not_verified_is_said_aloud(shell: Shell) -> None:
    done = shell("check", "rediss://127.0.0.1:1", "--tls-no-verify")
    assert done.code == 2
    assert "NOT VERIFIED" in done.err
    assert "NOT VERIFIED" in done.out

"""Fleet's own configuration: its keys, its precedence, its durations; and no password in any text."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.profiles.fleet_config import BadConfig, FleetConnection, read
from fleetcache_gui.profiles.profile import Profile, TlsPart

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "hunter2"

WHOLE = f"""
mysql:
  address: 127.0.0.1:3306
  password: other
Redis:
  address: redis://cache.example.com:6380
  username: fleet
  password: {CANARY}
  database: 2
  use_tls: true
  tls_ca: /etc/ca.pem
  tls_cert: /etc/cert.pem
  tls_key: /etc/key.pem
  tls_server_name: cache
  connect_timeout: 1m30s
  read_timeout: 1500ms
"""


def parsed(tmp_path: Path, text: str, **environ: str) -> FleetConnection:
    file = tmp_path / "fleet.yml"
    file.write_text(text)
    return read(file, environ)


def test_all_that_the_file_says(tmp_path: Path) -> None:
    found = parsed(tmp_path, WHOLE)
    assert found.profile == Profile(
        ["cache.example.com:6380"],
        user="fleet",
        database=2,
        tls=TlsPart("/etc/ca.pem", "/etc/cert.pem", "/etc/key.pem", "cache"),
        connect_timeout=60.0,
        reply_timeout=1.5,
    )
    assert (found.password, found.iam, found.notes) == (CANARY, False, ())
    assert CANARY not in repr(found)


def test_what_nobody_says_is_fleets_default(tmp_path: Path) -> None:
    default = Profile(["localhost:6379"])
    assert read(None, {}).profile == default
    for text in ("", "redis:\n", "mysql:\n  address: x\n", "redis: {}\n"):
        assert parsed(tmp_path, text).profile == default


def test_the_environment_wins(tmp_path: Path) -> None:
    found = parsed(
        tmp_path,
        WHOLE,
        FLEET_REDIS_ADDRESS="10.0.0.1:7000",
        FLEET_REDIS_PASSWORD="another",
        FLEET_REDIS_USE_TLS="false",
        FLEET_REDIS_USERNAME="",
        FLEET_REDIS_DATABASE="5",
        FLEET_MYSQL_ADDRESS="x",
    )
    assert found.profile.addresses == ["10.0.0.1:7000"]
    assert found.password == "another"
    assert found.profile.tls is None
    assert found.profile.user == "fleet"  # an empty variable is none
    assert found.profile.database == 5


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("5s", 5), ("1m30s", 60), ("250ms", 0.25), ("1.5s", 1.5), ("2000000000", 2), ("0", 60), ("1us", 0.2), ("1h", 60)],
)
def test_durations_are_gos(told: str, seconds: float) -> None:
    assert read(None, {"FLEET_REDIS_READ_TIMEOUT": told}).profile.reply_timeout == seconds


@pytest.mark.parametrize(
    ("name", "told", "hint"),
    [
        ("READ_TIMEOUT", "5 s", "duration"),
        ("READ_TIMEOUT", "soon", "duration"),
        ("READ_TIMEOUT", "-5s", "duration"),
        ("USE_TLS", "yes", "true or false"),
        ("DATABASE", "-1", "whole number"),
        ("DATABASE", "first", "whole number"),
        ("ADDRESS", f"me:{CANARY}@h:1", "HOST:PORT"),
        ("ADDRESS", "h:port", "HOST:PORT"),
    ],
)
def test_what_fleet_would_not_take_either(name: str, told: str, hint: str) -> None:
    with pytest.raises(BadConfig) as refused:
        read(None, {f"FLEET_REDIS_{name}": told})
    assert hint in str(refused.value)
    assert CANARY not in str(refused.value)


def test_iam_is_told_of_unless_there_is_a_password() -> None:
    named = {"FLEET_REDIS_REGION": "eu-west-1", "FLEET_REDIS_CACHE_NAME": "fleet"}
    assert read(None, named).iam
    assert not read(None, named | {"FLEET_REDIS_PASSWORD": CANARY}).iam
    assert not read(None, {"FLEET_REDIS_REGION": "eu-west-1"}).iam


def test_what_is_not_followed_is_said() -> None:
    notes = read(
        None,
        {"FLEET_REDIS_CLUSTER_FOLLOW_REDIRECTIONS": "false", "FLEET_REDIS_CLUSTER_READ_FROM_REPLICA": "1"},
    ).notes
    assert len(notes) == 2
    assert all(note.endswith(".") for note in notes)


@pytest.mark.parametrize(
    "text",
    [
        f"redis: [\n  password: {CANARY}",
        f"redis:\n\tpassword: {CANARY}",
        f"redis: {CANARY}",
        f"- {CANARY}",
        CANARY,
        f"redis:\n  address: [{CANARY}]",
        f"!!python/object/apply:os.system ['echo {CANARY}']",
        "redis:\n  x: &a [*a]\n  password: {b: c}",
        "[" * 5000,
    ],
)
def test_a_file_that_is_no_configuration_is_told_without_what_it_holds(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(BadConfig) as refused:
        parsed(tmp_path, text)
    assert str(refused.value).endswith(".")
    assert CANARY not in f"{refused.value}{caplog.text}"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be read"):
        read(tmp_path / "none.yml", {})
    (tmp_path / "large.yml").write_bytes(b" " * (1 << 21))
    with pytest.raises(BadConfig, match="too large"):
        read(tmp_path / "large.yml", {})

"""Profiles: kept whole, privately and without secrets; refused with a sentence when they are not fit."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcache_gui.profiles.profile import Profile, TlsPart, TunnelPart, check, of_url
from fleetcache_gui.profiles.store import BadProfiles, load, parse, save, text
from fleetcache_gui.redis_io.address import Address, BadAddress, Sentinel, Tls, Tunnel

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "hunter2"
FULL = Profile(
    ["cache.example.com", "[::1]:7000"],
    name="prod-eu",
    environment="production",
    user="inspector",
    database=3,
    tls=TlsPart("ca.pem", "cert.pem", "key.pem", "cache", verify=False),
    tunnel=TunnelPart("bastion:2222", "ops", "id", "hosts"),
    connect_timeout=5.0,
    reply_timeout=1.0,
    interval=5.0,
    budget=0.25,
    layout="spec",
    never_unlock=True,
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "profiles.json"
    other = Profile(["s1", "s2:26380"], name="by sentinel", sentinel="mymaster", sentinel_tls=True)
    save([FULL, other], path)
    assert load(path) == {"prod-eu": FULL, "by sentinel": other}
    assert list(load(path)) == ["prod-eu", "by sentinel"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert load(tmp_path / "none.json") == {}


def test_a_profile_as_an_address() -> None:
    assert FULL.address(CANARY) == Address(
        "cache.example.com",
        6379,
        3,
        "inspector",
        CANARY,
        Tls("ca.pem", "cert.pem", "key.pem", "cache", verify=False),
        Tunnel("bastion", 2222, "ops", "id", "hosts"),
        None,
        (("::1", 7000),),
        5.0,
        1.0,
    )
    by_sentinel = Profile(["s1", "s2:26380"], sentinel="mymaster").address()
    assert by_sentinel == Address("", 0, sentinel=Sentinel("mymaster", (("s1", 26379), ("s2", 26380))))
    assert str(by_sentinel) == "mymaster (by Sentinel)"


def test_the_password_of_a_url_stays_outside() -> None:
    profile, password = of_url(f"rediss://me:{CANARY}@[::1]:7000/3")
    assert profile == Profile(["[::1]:7000"], user="me", database=3, tls=TlsPart())
    assert password == CANARY
    assert CANARY.encode() not in text([profile])


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"name": ""}, "name"),
        ({"name": " x"}, "name"),
        ({"name": "redis://x"}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "a\nb"}, "printed"),
        ({"addresses": []}, "no host"),
        ({"addresses": [f"me:{CANARY}@h"]}, "HOST:PORT"),
        ({"addresses": ["h:0"]}, "HOST:PORT"),
        ({"addresses": ["redis://h"]}, "HOST:PORT"),
        ({"tls": {"key_file": f"-----BEGIN\n{CANARY}"}}, "Names of files"),
        ({"tunnel": {"address": "ops@h"}}, "HOST:PORT"),
        ({"colour": "red"}, "unknown field `colour`"),
        ({"layout": "mine"}, "auto, spec, upstream, both"),
        ({"budget": 50}, "budget"),
        ({"connect_timeout": 0}, "connect_timeout"),
        ({"database": -1}, "database"),
        ({"tls": {"verify": 0}}, "verify"),
    ],
)
def test_what_is_not_fit_is_refused(changes: dict[str, Any], hint: str) -> None:
    found = {"profiles": [{"name": "x", "addresses": ["h"], **changes}]}
    with pytest.raises(BadProfiles) as refused:
        parse(json.dumps(found).encode(), "profiles.json")
    assert hint in str(refused.value)
    assert str(refused.value).endswith(".")
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("field", ["password", "Passphrase", "auth", "api_token", "client_secret", "pem", "PWD"])
def test_fields_that_look_like_secrets_are_refused_by_name(field: str) -> None:
    for profile in ({field: CANARY}, {"tunnel": {"address": "h", field: CANARY}}):
        found = {"profiles": [{"name": "x", "addresses": ["h"], **profile}]}
        with pytest.raises(BadProfiles) as refused:
            parse(json.dumps(found).encode(), "some.json")
        assert repr(field) in str(refused.value)
        assert CANARY not in str(refused.value)


def test_a_file_that_cannot_be_understood_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "profiles.json"
    for odd in (b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"profiles": 3}', b'{"profiles": [{}]}'):
        path.write_bytes(odd)
        with pytest.raises(BadProfiles, match="cannot be understood"):
            load(path)
        assert path.read_bytes() == odd
    twice = text([FULL, FULL])
    with pytest.raises(BadProfiles, match="two profiles of one name"):
        parse(twice, "x")
    with pytest.raises(BadProfiles, match="too large"):
        parse(b" " * (1 << 21), "x")


@given(st.text(max_size=30), st.lists(st.text(max_size=20), max_size=3))
def test_any_profile_is_fit_or_refused(name: str, addresses: list[str]) -> None:
    try:
        fit = check(Profile(addresses, name=name))
    except BadAddress:
        return
    assert parse(text([fit]), "x") == {name: fit}

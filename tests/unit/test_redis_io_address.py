"""Addresses: what a URL may say, and that its password is in no text whatever is wrong with it."""

from __future__ import annotations

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcache_gui.redis_io.address import Address, BadAddress, Tls, parse_url

CANARY = "hunter2"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://localhost", Address("localhost")),
        ("redis://localhost/", Address("localhost")),
        ("REDIS://LocalHost:6380/3", Address("localhost", 6380, 3)),
        ("valkey://10.0.0.1:7000", Address("10.0.0.1", 7000)),
        ("rediss://cache.example.com", Address("cache.example.com", tls=Tls())),
        ("valkeys://cache.example.com", Address("cache.example.com", tls=Tls())),
        ("redis://[::1]:6379/0", Address("::1")),
        ("redis://:secret@h", Address("h", password="secret")),
        ("redis://me:a%3Ab%2Fc%40d%23e%3Ff%25@h", Address("h", username="me", password="a:b/c@d#e?f%")),
        ("redis://me@h", Address("h", username="me")),
        ("redis://:p@ss@h", Address("h", password="p@ss")),
        ("redis://:пароль@h", Address("h", password="пароль")),
        ("redis://h/2147483647", Address("h", database=2147483647)),
    ],
)
def test_what_can_be_used(url: str, address: Address) -> None:
    assert parse_url(url) == address


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("", "redis://"),
        ("localhost:6379", "redis://"),
        ("http://localhost", "redis://"),
        ("unix:///tmp/redis.sock", "redis://"),
        ("redis:localhost", "redis://"),
        ("redis://", "no host"),
        (f"redis://:{CANARY}@", "no host"),
        (f"redis://:{CANARY}#x@h", "%23"),
        (f"redis://me:{CANARY}/x@h", "%2F"),
        (f"redis://me:1/{CANARY}@h", "database"),
        (f"redis://me:1?{CANARY}@h", "options"),
        (f"redis://me:[{CANARY}@h", "%5B"),
        (f"redis://me:{CANARY}@h:port", "port"),
        (f"redis://me:{CANARY}@h:65536", "port"),
        (f"redis://me:{CANARY}@h:-1", "port"),
        (f"redis://me:{CANARY}@h:0", "port"),
        (f"redis://me:{CANARY}@h/1.5", "database"),
        (f"redis://me:{CANARY}@h/-1", "database"),
        (f"redis://me:{CANARY}@h/\u0661", "database"),
        (f"redis://me:{CANARY}@h/2147483648", "database"),
        (f"redis://me:{CANARY}@h/{'9' * 4000}", "database"),
        (f"redis://me:{CANARY}@h/1/2", "database"),
        (f"rediss://me:{CANARY}@h?ssl_cert_reqs=none", "certificates"),
        (f"rediss://me:{CANARY}@h/0?ssl_check_hostname=false", "certificates"),
        (f"redis://me:{CANARY}\n@h", "printed"),
        (f"redis://me:{CANARY}\u202e@h", "printed"),
        (f"redis://me:{CANARY}\udcff@h", "printed"),
        (f"redis://me:{CANARY}@h{'x' * 10_000}", "too long"),
        (f"redis://me:{CANARY}@{'x' * 300}", "no host"),
        (f"redis://me:{CANARY}@h\u2100", "read"),
        (f"redis://me:{CANARY}@[::1", "read"),
    ],
)
def test_what_cannot_be_used_is_told_without_the_password(url: str, hint: str) -> None:
    with pytest.raises(BadAddress) as refused:
        parse_url(url)
    assert hint in str(refused.value)
    assert str(refused.value).endswith(".")
    # The traceback shows this test's own line with `url`, but never what the URL holds.
    assert CANARY not in "".join(traceback.format_exception(refused.value))


@given(st.text(max_size=40).map(lambda rest: "redis://" + rest) | st.text(max_size=40))
def test_any_text_is_an_address_or_refused(url: str) -> None:
    try:
        address = parse_url(url)
    except BadAddress:
        return
    assert address.host
    assert 0 < address.port < 65536


def test_the_password_is_in_no_text_of_an_address() -> None:
    address = parse_url(f"redis://me:{CANARY}@h:1/2")
    assert address.password == CANARY
    assert CANARY not in f"{address} {address!r} {address!s}"


def test_an_address_is_written_as_people_do() -> None:
    assert str(parse_url("redis://me:x@h")) == "h:6379"
    assert str(parse_url("redis://[::1]:7/3")) == "[::1]:7 db 3"

"""Locks, device management, tokens, limits, errors, small stores and other keys of an upstream server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.family import Expected, Severity
from fleetcache_gui.domain.snapshot import Vitals
from fleetcache_gui.families.upstream import (
    UPSTREAM,
    errors,
    limits,
    locks,
    mdm,
    results,
    store,
    strangers,
    tokens,
)
from tests.readings import Server, cell, codes, texts

if TYPE_CHECKING:
    from fleetcache_gui.domain.family import Family
    from tests.readings import Value

LOCKS, MDM, TOKENS, LIMITS = locks.FAMILY, mdm.FAMILY, tokens.FAMILY, limits.FAMILY
ERRORS, STORE, OTHER = errors.FAMILY, store.FAMILY, strangers.FAMILY

EVENT = b"5ddd479a-516d-4b3b-9c01-22d1a5b6c7d8"
LOCK = b"calendar:lock:" + EVENT
COLLECTOR = b"locks:async_collector:{collect_label_membership}"
SECRET = "hJLnTqY3v8kWz1bC"
SESSION = b"JwX8cKq0T5mZs7RbN2vLh4Yd"
SIGN_IN = json.dumps({"request_id": "id1", "metadata": "<xml/>", "original_url": "/", "request_data": {}}).encode()


@pytest.mark.parametrize(
    ("family", "key", "value", "left", "code"),
    [
        (LOCKS, LOCK, b"4f857281-d376", None, "lock.no-ttl"),
        (LOCKS, LOCK, b"4f857281-d376", 1300.0, "lock.long-ttl"),
        (LOCKS, LOCK, b"4f857281-d376", 1200.0, None),
        (LOCKS, LOCK, {b"a"}, 60.0, "lock.wrong-type"),
        (LOCKS, b"calendar:reserved:x", b"1", 2400.0, None),
        (LOCKS, b"calendar:reserved:x", b"1", 2500.0, "lock.long-ttl"),
        (LOCKS, b"calendar:recent_update:x", b"1", 10.0, None),
        (LOCKS, COLLECTOR, b"1", 60.0, None),
        (LOCKS, COLLECTOR, b"1", None, "lock.no-ttl"),
        (LOCKS, b"locks:async_collector:x", b"1", 60.0, "lock.malformed"),
        (LOCKS, locks.QUEUE, b"1", None, "lock.wrong-type"),
        (MDM, b"mdm:preassign:C02", {b"host_uuid": b"u"}, 3600.0, None),
        (MDM, b"mdm:preassign:C02", {b"host_uuid": b"u"}, None, "mdm.no-ttl"),
        (MDM, b"mdm:preassign:C02", {b"host_uuid": b"u"}, 7200.0, "mdm.long-ttl"),
        (MDM, b"mdm:preassign:C02", b"x", 60.0, "mdm.wrong-type"),
        (MDM, mdm.CURSORS[0], b"", None, None),
        (MDM, mdm.CURSORS[0], b"u", 60.0, "mdm.ttl"),
        (MDM, mdm.STATES[0], b"{}", None, None),
        (MDM, b"mdm:apple:recon_cursor2", b"u", None, "mdm.malformed"),
        (TOKENS, f"software_installer_token:{SECRET}".encode(), b"{}", 600.0, None),
        (TOKENS, f"software_installer_token:{SECRET}".encode(), b"{}", None, "token.no-ttl"),
        (TOKENS, f"software_installer_token:{SECRET}".encode(), b"{}", 7200.0, "token.long-ttl"),
        (TOKENS, f"software_installer_token:{SECRET}".encode(), [b"x"], 60.0, "token.wrong-type"),
        (TOKENS, b"software_installer_token:", b"{}", 60.0, "token.malformed"),
        (TOKENS, f"key_value_device_sso_session:{SECRET}".encode(), b"{}", 5 * 86400.0, None),
        (TOKENS, f"sso:assertion:{SECRET}".encode(), b"1", 900.0, None),
        (TOKENS, f"acmenonce:{SECRET}".encode(), b"1", 3600.0, None),
        (TOKENS, f"pssononce:{SECRET}".encode(), b"1", None, "token.no-ttl"),
        (LIMITS, b"ratelimit::login", b"1764110000000000000", 9.0, None),
        (LIMITS, b"ratelimit::login", b"1764110000000000000", None, "limit.no-ttl"),
        (LIMITS, b"install:attempts:12:7", b"2", 60.0, None),
        (LIMITS, b"install_attempts:7:12", b"2", 60.0, None),
        (LIMITS, b"install_attempts:x", b"2", 60.0, "limit.malformed"),
        (LIMITS, b"ratelimit::login", [b"x"], 9.0, "limit.wrong-type"),
        (STORE, b"key_value_software_batch_1", b"processing", 86400.0, None),
        (STORE, b"key_value_software_batch_1", b"processing", None, "store.no-ttl"),
        (STORE, f"key_value_{SECRET}".encode(), b"x", 300.0, None),
        (STORE, b"query_results_count:41", b"7", None, None),
        (STORE, b"query_results_count:x", b"7", None, "store.malformed"),
        (STORE, b"{cfgetag}:gen", b"17", None, None),
        (STORE, b"{cfgetag}:gen", b"17", 60.0, "store.ttl"),
        (STORE, b"{cfgetag}:fence", b"1", 180.0, None),
        (STORE, b"{cfgetag}:etag:v1:global:darwin", b"17|a", None, "store.no-ttl"),
        (STORE, b"{cfgetag}:scope-modes", b"{}", 300.0, None),
        (OTHER, SESSION, SIGN_IN, 900.0, None),
        (OTHER, SESSION, SIGN_IN, None, "sso.no-ttl"),
        (OTHER, b"session:1", SIGN_IN, None, None),
        (OTHER, b"my_queue", [b"x"], None, None),
    ],
    ids=lambda value: "",
)
def test_keys_and_what_is_wrong_with_them(
    family: Family, key: bytes, value: Value, left: float | None, code: str | None
) -> None:
    assert UPSTREAM.families[UPSTREAM.router(key)] is family
    row = Server({key: value}, {} if left is None else {key: left}).read(family, family.row_of(key))
    assert list(codes(row)) == ([code] if code else [])
    assert SECRET[4:] not in texts(row)
    assert SESSION[4:].decode() not in texts(row)


# ---- locks


def test_who_holds_a_lock() -> None:
    server = Server({LOCK: b"4f857281-d376", COLLECTOR: b"1"}, {LOCK: 1200.0, COLLECTOR: 60.0})
    row = server.read(LOCKS, LOCK)
    assert (row.cells[:2], dict(row.facts)["Holder"]) == (("Calendar event", EVENT.decode()), "4f857281-d376")
    row = server.read(LOCKS, COLLECTOR)
    assert row.cells[:2] == ("Collector", "collect_label_membership")
    assert dict(row.facts)["Holder"] == "not told: the value names nobody"


def test_another_token_is_another_holder() -> None:
    server = Server({LOCK: b"one"}, {LOCK: 1200.0})
    row = server.read(LOCKS, LOCK)
    first = cell(LOCKS, row, "held")
    server.at += 9
    row = server.read(LOCKS, LOCK, row)
    assert cell(LOCKS, row, "held") == first
    server.values[LOCK] = b"two"
    assert cell(LOCKS, server.read(LOCKS, LOCK, row), "held") == server.at


def test_events_that_stay_in_the_queue() -> None:
    server = Server({locks.QUEUE: {b"a", b"b"}})
    row = server.read(LOCKS, locks.QUEUE)
    assert (row.cells[1], row.state.word, row.judgements) == ("calendar:queue, 2 events wait", "waiting", ())
    server.at += locks.STAYS - 1
    server.values[locks.QUEUE] = {b"b", b"c"}
    row = server.read(LOCKS, locks.QUEUE, row)
    assert row.judgements == ()
    server.at += 1
    row = server.read(LOCKS, locks.QUEUE, row)
    assert codes(row) == {"lock.queue": Severity.WARNING}
    assert row.judgements[0].text == "1 event stays in calendar:queue, for 5 min 00 s."
    server.values[locks.QUEUE] = {b"c"}
    assert server.read(LOCKS, locks.QUEUE, row).judgements == ()


# ---- tokens, stores, other keys: what is shown of a credential


@pytest.mark.parametrize(
    ("family", "key", "shown"),
    [
        (TOKENS, f"software_installer_token:{SECRET}", "software_installer_token:hJLn…"),
        (TOKENS, f"key_value_device_sso_session:{SECRET}", "key_value_device_sso_session:hJLn…"),
        (TOKENS, f"sso:assertion:{SECRET}", "sso:assertion:hJLn…"),
        (STORE, f"key_value_{SECRET}", "key_value_hJLn…"),
        (STORE, f"key_value_nonce_{SECRET}", "key_value_nonc…"),
        (STORE, "key_value_software_batch_1", "key_value_software_batch_1"),
        (STORE, f"{{cfgetag}}:{SECRET}", "{cfgetag}:hJLn…"),
        (STORE, "{cfgetag}:gen", "{cfgetag}:gen"),
        (OTHER, SECRET, "hJLn…"),
        (OTHER, "abcdefgh", "abcd…"),
        (OTHER, "dashboard_cache", "dashboard_cache"),
        (OTHER, "session:1", "session:1"),
        (OTHER, "short", "short"),
        (OTHER, "", ""),
    ],
)
def test_names_that_are_credentials_are_masked(family: Family, key: str, shown: str) -> None:
    assert family.secret
    assert family.mask is not None
    assert family.mask(key.encode()) == shown
    row = Server({key.encode(): b"x"}, {key.encode(): 60.0}).read(family, key.encode())
    assert bool(row.reveal) == (shown != key)


@pytest.mark.parametrize("name", [b"c2Vj", b"\xff\xfe", b"a\nb", b"x" * 5000])
def test_hostile_names_of_secrets(name: bytes) -> None:
    for family in (TOKENS, STORE):
        key = family.prefixes[0] + name
        assert family.mask is not None
        assert name.decode("latin-1") not in family.mask(key)[len(family.prefixes[0]) :]
        assert family.mask(key).isprintable()


def test_values_of_secrets_are_private_and_the_rest_is_told() -> None:
    private = {family.id for family in UPSTREAM.families if family.private}
    secret = {"upstream_host_cache", "upstream_tokens", "upstream_store", "other"}
    assert {family.id for family in UPSTREAM.families if family.secret} == secret
    assert private == {*secret, "upstream_errors", "upstream_mdm"}


def test_values_that_are_no_secrets_are_shown() -> None:
    server = Server({b"{cfgetag}:gen": b"17", b"key_value_x": b"secret", mdm.CURSORS[0]: b"", b"mdm:preassign:C": {}})
    assert cell(STORE, server.read(STORE, b"{cfgetag}:gen"), "value") == "17"
    assert cell(STORE, server.read(STORE, b"key_value_x"), "value") == "6 B"
    assert cell(MDM, server.read(MDM, mdm.CURSORS[0]), "value") == "(empty)"
    server.values[b"mdm:preassign:C"] = {b"host_uuid": b"u", b"d": b"p"}
    assert cell(MDM, server.read(MDM, b"mdm:preassign:C"), "value") == "2 elements"


def test_a_sign_in_is_known_by_its_value() -> None:
    row = Server({SESSION: SIGN_IN}, {SESSION: 900.0}).read(OTHER, SESSION)
    assert (row.title, row.state.word, row.reveal) == ("Sign-in JwX8…", "signing in", SESSION.decode())
    assert Server({SESSION: b"x"}).read(OTHER, SESSION).state.word == "foreign"


# ---- limits


def test_an_address_that_is_banned() -> None:
    row_id, count, ban = b"ipbanner::{10.0.0.7}", b"ipbanner::{10.0.0.7}::count", b"ipbanner::{10.0.0.7}::banned"
    assert LIMITS.row_of(count) == LIMITS.row_of(ban) == row_id
    server = Server({count: b"3"}, {count: 60.0})
    row = server.read(LIMITS, row_id)
    assert (row.cells[:3], row.judgements) == (("Address", "10.0.0.7", 3), ())
    server.values[ban], server.left[ban] = b"1", 300.0
    row = server.read(LIMITS, row_id)
    assert (codes(row), row.state.word) == ({"limit.banned": Severity.INFO}, "banned")
    assert row.judgements[0].text == "Address 10.0.0.7 is banned."


def test_a_host_that_fails_to_install() -> None:
    for key in (b"install:attempts:12:7", b"install_attempts:7:12"):
        row = Server({key: b"2"}, {key: 60.0}).read(LIMITS, key)
        assert row.cells[:3] == ("Install attempts", "host 7, installer 12", 2)


# ---- errors


def error(message: str, left: float | None = 86400.0) -> Server:
    value = json.dumps({"cause": {"message": message}}).encode()
    keys = (b"error:{abc=}:json", b"error:{abc=}:count")
    return Server({keys[0]: value, keys[1]: b"41"}, {} if left is None else dict.fromkeys(keys, left))


def test_an_error() -> None:
    row = error("get host: no rows").read(ERRORS, b"abc=")
    assert row.cells[:3] == ("abc=", "get host: no rows", 41)
    assert (row.state.word, row.judgements, ERRORS.survey((row,), 1, Expected())) == ("kept", (), ())


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (f"invalid node key: {SECRET}{SECRET}", "invalid node key: hJLn…"),
        ("server/datastore/mysql/some-long-name failed", "server/datastore/mysql/some-long-name failed"),
    ],
)
def test_credentials_in_messages_are_cut(message: str, shown: str) -> None:
    told = error(message).read(ERRORS, b"abc=").cells[1]
    assert told == shown


def test_errors_without_end_and_in_crowds_are_told_once() -> None:
    row = error("x", None).read(ERRORS, b"abc=")
    assert (row.state.word, row.judgements) == ("no expiry", ())
    judged = ERRORS.survey((row, row), errors.MANY, Expected())
    assert [judgement.code for judgement in judged] == ["error.no-ttl", "error.many"]
    assert judged[0].text == "2 errors have no expiry."


@pytest.mark.parametrize("value", [b"", b"{", b"[1]", b'{"message": 7}', b"\xff" * 3000])
def test_errors_that_cannot_be_read(value: bytes) -> None:
    server = error("x")
    server.values[b"error:{abc=}:json"] = value
    assert server.read(ERRORS, b"abc=").cells[1] is None


# ---- what can cut results off

TOLD = "normal 0 0 0 slave 268435456 67108864 60 pubsub {} {} {}"


def judged(told: str | None) -> list[str]:
    parameters = {} if told is None else {"client-output-buffer-limit": told}
    return [judgement.text for judgement in UPSTREAM.judge(Vitals(0.0, parameters=parameters))]


def test_listeners_that_can_be_cut_off() -> None:
    text = "The server cuts listeners off when more than 32.0 MB or 8.0 MB for 1 min 00 s of results wait for them."
    assert judged(TOLD.format(32 << 20, 8 << 20, 60)) == [text]
    assert len(judged(TOLD.format(0, 8 << 20, 60))) == len(judged(TOLD.format(32 << 20, 0, 0))) == 1


@pytest.mark.parametrize("told", [None, "", "pubsub", TOLD.format(0, 0, 60), TOLD.format("x", 1, 1), "pubsub 1 -1 1"])
def test_listeners_that_cannot_or_of_which_nothing_is_told(told: str | None) -> None:
    assert judged(told) == []


def test_limits_are_read_wherever_they_stand() -> None:
    assert results.pubsub_limits("pubsub 1 2 3 normal 0 0 0") == (1, 2, 3)

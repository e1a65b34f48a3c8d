"""Preassignments, installer tokens, rate limits, config cache, and other keys."""

from __future__ import annotations

import json

import pytest

from fleetcache_gui.domain.family import Expected, Severity
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Progress, Tone
from fleetcache_gui.families import other
from fleetcache_gui.families.spec import SPEC, config_cache, installer_tokens, preassign, rate_limits
from tests.readings import Server, Value, cell, codes, refused

PREASSIGN, TOKENS = preassign.FAMILY, installer_tokens.FAMILY
LIMITS, CONFIG, OTHER = rate_limits.FAMILY, config_cache.FAMILY, other.FAMILY

DEVICE = b"mdm:apple:preassign:C02XK1ZHJGH5"
ASSIGNED: Value = {b"external_id": b"4471", b"team": "Büro".encode(), b"profile": b"wifi"}
UUID = "0c1f9a3e-5b7d-4c2a-9e8f-1a2b3c4d5e6f"
TOKEN = b"sw:installer:token:" + UUID.encode()
COUNT = b"rate_limit:login:2001:db8::17"
TEAM = b"cache:team:12"


def test_values_that_may_hold_credentials_are_private() -> None:
    assert {family.id for family in SPEC.families if family.private} == {"config_cache", "other"}


# ---- preassignments


def test_a_preassignment() -> None:
    row = Server({DEVICE: ASSIGNED}, {DEVICE: 540.0}).read(PREASSIGN, DEVICE)
    assert row.title == "Device C02XK1ZHJGH5"
    assert row.cells[:4] == ("C02XK1ZHJGH5", "4471", "Büro", "wifi")
    assert (row.state.word, row.judgements) == ("waiting", ())


def test_a_preassignment_as_a_string() -> None:
    value = json.dumps({"external_id": "4471", "team": "Kiosks", "profile": 7}).encode()
    row = Server({DEVICE: value}, {DEVICE: 540.0}).read(PREASSIGN, DEVICE)
    assert row.cells[:4] == ("C02XK1ZHJGH5", "4471", "Kiosks", "7")
    assert row.judgements == ()


@pytest.mark.parametrize(
    "value",
    [b"4471\n", b"", b"[1]", b"\xff", b"{}", b'{"team": null, "serial": 7}', b"x" * 4096, {b"serial": b"C02"}],
)
def test_a_preassignment_that_assigns_nothing_is_unreadable(value: Value) -> None:
    row = Server({DEVICE: value}, {DEVICE: 540.0}).read(PREASSIGN, DEVICE)
    assert (row.state.word, codes(row)) == ("unreadable", {"preassignment.unreadable": Severity.WARNING})
    assert row.cells[:4] == ("C02XK1ZHJGH5", None, None, None)
    assert codes(Server({DEVICE: value}).read(PREASSIGN, DEVICE)) == {"preassignment.no-ttl": Severity.WARNING}


@pytest.mark.parametrize("value", [{b"team": b""}, b'{"notes": "' + b"x" * 600 + b'", "team": "Kiosks"}'])
def test_what_may_assign_something_is_not_called_unreadable(value: Value) -> None:
    assert Server({DEVICE: value}, {DEVICE: 540.0}).read(PREASSIGN, DEVICE).state.word == "waiting"


@pytest.mark.parametrize("value", [b"", {b"serial": b"C02"}])
def test_a_preassignment_that_goes_while_it_is_read_is_not_called_unreadable(value: Value) -> None:
    source = Server({DEVICE: value}, {DEVICE: 540.0}, special={(b"TYPE", DEVICE): b"none"})
    assert source.read(PREASSIGN, DEVICE).state.word == "waiting"


def test_a_preassignment_that_may_not_be_read_is_not_called_unreadable() -> None:
    for value in (b"{}", {b"serial": b"C02"}):
        source = Server({DEVICE: value}, {DEVICE: 540.0})
        probes = PREASSIGN.probes(DEVICE, (source.fact(DEVICE),))
        source.special = refused(dict.fromkeys(probes))
        assert source.read(PREASSIGN, DEVICE).judgements == ()


def test_a_field_too_large_for_the_table_is_never_asked_for() -> None:
    source = Server({DEVICE: {b"external_id": b"1", b"profile": b"x" * 20_000}}, {DEVICE: 9.0})
    row = source.read(PREASSIGN, DEVICE)
    assert row.cells[:4] == ("C02XK1ZHJGH5", "1", None, None)
    assert dict(row.facts) == {"profile": "19.5 KB, too long for the table"}


@pytest.mark.parametrize(
    ("left", "code"), [(None, "preassignment.no-ttl"), (3700.0, "preassignment.long-ttl"), (3600.5, None)]
)
def test_a_preassignment_lives_for_minutes(left: float | None, code: str | None) -> None:
    row = Server({DEVICE: ASSIGNED}, {} if left is None else {DEVICE: left}).read(PREASSIGN, DEVICE)
    assert codes(row) == ({code: Severity.WARNING} if code else {})


@pytest.mark.parametrize("serial", [b"", b"C02 X", b"a:b", b"\xff", b"x" * 65, b"C02\n"])
def test_a_malformed_serial(serial: bytes) -> None:
    key = b"mdm:apple:preassign:" + serial
    row = Server({key: ASSIGNED}, {key: 9.0}).read(PREASSIGN, key)
    assert codes(row) == {"preassignment.malformed": Severity.WARNING}
    assert row.cells[0] == show(key, 256), "of such a key the name says more than what stands where a serial should"


def test_a_preassignment_of_the_wrong_type() -> None:
    row = Server({DEVICE: [b"x"]}, {DEVICE: 9.0}).read(PREASSIGN, DEVICE)
    assert row.judgements[0].text == "The preassignment of C02XK1ZHJGH5 is a list, but Fleet needs a hash."


# ---- installer tokens


def test_a_token_is_masked_everywhere_but_where_it_is_revealed() -> None:
    for value, left in ((b'{"title_id": 7, "team_id": null}', 600.0), (b"?", None), ([b"x"], 9e9)):
        row = Server({TOKEN: value}, {} if left is None else {TOKEN: left}).read(TOKENS, TOKEN)
        texts = [row.title, row.why, *(str(cell) for cell in row.cells), *(f"{fact}" for fact in row.facts)]
        texts += [f"{j.code}{j.text}{j.meaning}{j.advice}" for j in row.judgements]
        assert not any(UUID[5:] in text for text in texts)
        assert row.title == "Token 0c1f…"
        assert row.reveal == UUID
    assert TOKENS.mask is not None
    assert TOKENS.mask(TOKEN) == "sw:installer:token:0c1f…"


def test_what_a_token_stands_for() -> None:
    row = Server({TOKEN: b'{"title_id": 7, "team_id": 3}'}, {TOKEN: 600.0}).read(TOKENS, TOKEN)
    assert row.cells[:3] == ("0c1f…", 7, 3)
    assert (row.state.word, row.judgements) == ("valid", ())
    row = Server({TOKEN: b'{"title_id": 7, "team_id": null}'}, {TOKEN: 600.0}).read(TOKENS, TOKEN)
    assert (row.cells[:3], row.state.word) == (("0c1f…", 7, None), "valid")


@pytest.mark.parametrize(
    "value",
    [b"", b"[]", b"{}", b'{"title_id": true}', b'{"title_id": "7"}', b'{"title_id": %d}' % 2**70, b"x" * 900],
)
def test_a_token_that_says_nothing(value: bytes) -> None:
    row = Server({TOKEN: value}, {TOKEN: 600.0}).read(TOKENS, TOKEN)
    assert codes(row) == {"token.unreadable": Severity.WARNING}
    assert row.judgements[0].text == "Token 0c1f… does not say which software title it is for."


@pytest.mark.parametrize(
    ("left", "found"),
    [
        (None, {"token.no-ttl": Severity.CRITICAL}),
        (3700.0, {"token.long-ttl": Severity.WARNING}),
        (3600.0, {}),
    ],
)
def test_a_token_lives_for_an_hour_at_most(left: float | None, found: dict[str, Severity]) -> None:
    row = Server({TOKEN: b'{"title_id": 7}'}, {} if left is None else {TOKEN: left}).read(TOKENS, TOKEN)
    assert codes(row) == found


@pytest.mark.parametrize("token", [b"", b"abc", b"notauuid-but-a-secret-all-the-same", b"\xff\xfe\xfd\xfc\xfb\xfa"])
def test_a_malformed_token_is_masked_as_well(token: bytes) -> None:
    key = b"sw:installer:token:" + token
    row = Server({key: b'{"title_id": 7}'}, {key: 9.0}).read(TOKENS, key)
    assert codes(row) == {"token.malformed": Severity.WARNING}
    assert "secret" not in row.title + row.why + str(row.cells) + row.judgements[0].text
    assert row.reveal


# ---- rate limits


@pytest.mark.parametrize(
    ("value", "limit", "word", "found"),
    [
        (b"3", None, "counting", {}),
        (b"3", 10, "ok", {}),
        (b"8", 10, "near", {"rate.near": Severity.INFO}),
        (b"10", 10, "near", {"rate.near": Severity.INFO}),
        (b"11", 10, "over", {"rate.over": Severity.WARNING}),
        *[
            (value, 10, "unreadable", {"rate.unreadable": Severity.WARNING})
            for value in (b"many", b"-3", b"-", b"3.5", b"007", b" 3", b"", b"9" * 19)
        ],
        (b"-3", None, "unreadable", {"rate.unreadable": Severity.WARNING}),
    ],
)
def test_counts_against_their_limit(value: bytes, limit: int | None, word: str, found: dict[str, Severity]) -> None:
    expected = Expected(limits={} if limit is None else {"login": limit})
    row = Server({COUNT: value}, {COUNT: 40.0}, expected=expected).read(LIMITS, COUNT)
    assert row.cells[:2] == ("login", "2001:db8::17")
    assert row.cells[2] == (None if word == "unreadable" else Progress(int(value), limit))
    assert row.state.word == word
    assert codes(row) == found


def test_what_is_said_of_a_limit() -> None:
    source = Server({COUNT: b"120"}, {COUNT: 40.0}, expected=Expected(limits={"login": 100}))
    row = source.read(LIMITS, COUNT)
    assert row.judgements[0].text == (
        "The count of 2001:db8::17 on login is over its limit: 120 of 100 requests in this window."
    )
    source.values[COUNT] = b"85"
    row = source.read(LIMITS, COUNT)
    assert row.state.tone is Tone.WARN
    assert "is near its limit: 85 of 100 requests" in row.judgements[0].text


def test_a_negative_count_is_called_so() -> None:
    row = Server({COUNT: b"-3"}, {COUNT: 40.0}).read(LIMITS, COUNT)
    assert row.judgements[0].text == "The count of 2001:db8::17 on login is negative."


def test_a_count_without_expiry_never_starts_anew() -> None:
    row = Server({COUNT: b"3"}).read(LIMITS, COUNT)
    assert codes(row) == {"rate.no-ttl": Severity.WARNING}
    assert row.judgements[0].text == "The count of 2001:db8::17 on login has no expiry."


@pytest.mark.parametrize("rest", [b"", b"login", b":client", b"login:"])
def test_a_malformed_limit(rest: bytes) -> None:
    key = b"rate_limit:" + rest
    assert codes(Server({key: b"1"}, {key: 9.0}).read(LIMITS, key)) == {"rate.malformed": Severity.WARNING}


def test_a_count_of_the_wrong_type() -> None:
    assert codes(Server({COUNT: [b"x"]}).read(LIMITS, COUNT)) == {"rate.wrong-type": Severity.CRITICAL}


# ---- config cache


@pytest.mark.parametrize(
    ("key", "name", "title"),
    [(b"cache:app_config", "App config", "App config"), (TEAM, "Team 12", "Config of team 12")],
)
def test_cached_configs(key: bytes, name: str, title: str) -> None:
    row = Server({key: b"{}" * 500}, {key: 4.0}).read(CONFIG, key)
    assert (row.title, row.cells[:2], row.state.word) == (title, (name, 1000), "cached")
    assert row.judgements == ()


@pytest.mark.parametrize(("left", "code"), [(None, "config.no-ttl"), (7200.0, "config.long-ttl")])
def test_a_config_is_cached_for_a_short_time(left: float | None, code: str) -> None:
    row = Server({TEAM: b"{}"}, {} if left is None else {TEAM: left}).read(CONFIG, TEAM)
    assert codes(row) == {code: Severity.WARNING}
    assert row.judgements[0].text.startswith("Config of team 12 ")


@pytest.mark.parametrize("key", [b"cache:team:abc", b"cache:team:", b"cache:team:07", b"cache:app_config2"])
def test_a_malformed_config(key: bytes) -> None:
    row = Server({key: b"{}"}, {key: 4.0}).read(CONFIG, key)
    assert codes(row) == {"config.malformed": Severity.WARNING}
    assert row.cells[0] == key.decode()


def test_nothing_of_a_config_is_read_but_its_size() -> None:
    """It may hold credentials."""
    source = Server({TEAM: b'{"smtp_password": "hunter2"}'}, {TEAM: 4.0})
    assert CONFIG.probes(TEAM, (source.fact(TEAM),)) == ((b"STRLEN", TEAM),)
    assert codes(Server({TEAM: {b"x"}}).read(CONFIG, TEAM)) == {"config.wrong-type": Severity.CRITICAL}


# ---- other keys


@pytest.mark.parametrize(
    ("value", "type_word", "length"),
    [
        (b"abc", "string", 3),
        ([b"a"], "list", 1),
        ({b"a"}, "set", 1),
        ({b"a": b"b"}, "hash", 1),
        (7, "stream", 7),
    ],
)
def test_other_keys_show_their_type_and_length(value: Value, type_word: str, length: int) -> None:
    key = b"session:\xff\n"
    row = Server({key: value}).read(OTHER, key)
    assert row.cells[:3] == ("session:\\xff\\n", type_word, length)
    assert (row.state.word, row.judgements) == ("foreign", ())


# ---- refusals


@pytest.mark.parametrize(
    ("family", "key", "value"),
    [
        ("locks", b"lock:a", b"api-1:0123456789abcdef"),
        ("preassign", DEVICE, ASSIGNED),
        ("installer_tokens", TOKEN, b"{}"),
        ("rate_limits", COUNT, b"1"),
        ("config_cache", TEAM, b"{}"),
        ("other", b"x", [b"x"]),
        ("host_queue", b"async_host:detail", 5),
        ("live_queries", b"live_query:campaign:7:sql", b"SELECT 1"),
    ],
)
def test_what_the_account_may_not_read_is_said(family: str, key: bytes, value: Value) -> None:
    source = Server({key: value}, {key: 5.0})
    commands = SPEC.family(family).probes(key, (source.fact(key),))
    source.special = refused(dict.fromkeys(commands))
    row = source.read(SPEC.family(family), SPEC.family(family).row_of(key))
    assert dict(row.facts)["Could not be read"] == "NOPERM"
    assert UUID not in str((row.facts, row.why, row.judgements and row.judgements[0].text))
    unknown = [cell(SPEC.family(family), row, c.id) for c in SPEC.family(family).columns[:-1] if c.probed]
    # That no key holds the hosts who answered is known, though: it is a trend of zeros.
    assert all(value in (None, Progress(0)) or isinstance(value, tuple) for value in unknown)

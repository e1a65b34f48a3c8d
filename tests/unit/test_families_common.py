"""What holds for every family: total, safe to show, and asking no more than the types allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcache_gui.domain.family import Expected, Family, Kind, Reading, Row
from fleetcache_gui.domain.values import FOREVER, Expiry, KeyFact, Progress, ReplyError, State
from fleetcache_gui.families.layouts import BOTH, LAYOUTS
from tests.readings import START, WALL

if TYPE_CHECKING:
    from fleetcache_gui.domain.layout import Layout

ALL = tuple((layout, family) for layout in LAYOUTS for family in layout.families)
FAMILIES = pytest.mark.parametrize(("layout", "family"), ALL, ids=lambda thing: thing.id)

TYPES = ("string", "list", "set", "zset", "hash", "stream", "none", "?", "ReJSON-RL")
WRONG_FOR = {
    b"GETRANGE": "string",
    b"STRLEN": "string",
    b"LLEN": "list",
    b"SCARD": "set",
    b"SSCAN": "set",
    b"ZCARD": "zset",
    b"ZRANGE": "zset",
    b"HLEN": "hash",
    b"HSTRLEN": "hash",
    b"HMGET": "hash",
    b"XLEN": "stream",
    b"XPENDING": "stream",
    b"XINFO": "stream",
}

SUFFIXES = (
    st.binary(max_size=30)
    | st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.sampled_from(
        [
            b"7",
            b"campaign:7:sql",
            b"active",
            b"detail",
            b"app_config",
            b"cron:vuln",
            b"login:\xff",
            b"{7}",
            b"7",
            b"active_host_ids",
            b"v1:nk:c2VjcmV0LW5vZGUta2V5",
            b"{10.0.0.7}::banned",
            b"{collect_label_membership}",
            b"x" * 5000,
        ]
    )
)
ROWS = st.builds(
    lambda prefix, suffix: prefix + suffix,
    st.sampled_from([b"", *(prefix for family in BOTH.families for prefix in family.prefixes)]),
    SUFFIXES,
)
SCALARS = (
    st.none()
    | st.binary(max_size=40)
    | st.integers(-(2**63), 2**63)
    | st.sampled_from([b'{"title_id":1}', b"[" * 4000, b"api-1:0123456789abcdef", b"1700000000000-0", b"9" * 30])
    | st.builds(ReplyError, st.text(max_size=30))
)
REPLIES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4), max_leaves=10)
GROUPS = st.lists(
    st.fixed_dictionaries(
        {
            b"name": SCALARS,
            b"consumers": SCALARS,
            b"pending": SCALARS,
            b"lag": SCALARS,
            b"entries-read": SCALARS,
        }
    ).map(lambda facts: [word for pair in facts.items() for word in pair]),
    max_size=3,
)
EXPIRIES = st.just(FOREVER) | st.builds(
    Expiry, st.floats(START - 10, START + 1e6), st.floats(0, 1e6), st.none() | st.integers(0, 2**45)
)


def assert_safe(family: Family, row: Row) -> None:
    """The row fits its family's columns, and every text of it is one plain printable line."""
    assert len(row.cells) == len(family.columns)
    assert row.family == family.id
    assert row.cells[-1] == row.state
    texts = [row.title, row.why, row.state.word, row.reveal]
    texts += [text for judgement in row.judgements for text in (judgement.text, judgement.meaning, judgement.advice)]
    texts += [text for fact in row.facts for text in fact]
    texts += [cell for cell in row.cells if isinstance(cell, str)]
    for text in texts:
        assert text.isprintable()
    assert len(row.title) <= 160
    for column, cell in zip(family.columns, row.cells, strict=True):
        match column.kind:
            case Kind.TEXT | Kind.CODE:
                assert cell is None or (isinstance(cell, str) and len(cell) <= 256)
            case Kind.NUMBER | Kind.SIZE:
                assert cell is None or type(cell) is int
            case Kind.RATE | Kind.SECONDS | Kind.AGE:
                assert cell is None or (isinstance(cell, float) and cell >= 0)
            case Kind.PROGRESS:
                assert cell is None or isinstance(cell, Progress)
            case Kind.CLOCK:
                assert cell is None or isinstance(cell, Expiry)
            case Kind.TREND:
                assert isinstance(cell, tuple)
            case Kind.STATE:
                assert isinstance(cell, State)


@FAMILIES
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_whatever_is_answered_becomes_a_row(layout: Layout, family: Family, data: st.DataObject) -> None:
    row_id = data.draw(st.sampled_from(family.fixed) | ROWS if family.fixed else ROWS)
    before: Row | None = None
    for poll in range(3):
        keys = tuple(
            KeyFact(name, data.draw(st.sampled_from(TYPES)), data.draw(EXPIRIES)) for name in family.keys_of(row_id)
        )
        asked = family.probes(row_id, keys)
        real = {key.name: key.type for key in keys}
        assert all(real[command[2 if command[0] == b"XINFO" else 1]] == WRONG_FOR[command[0]] for command in asked)
        replies = tuple(data.draw(GROUPS if command[0] == b"XINFO" else REPLIES) for command in asked)
        if data.draw(st.booleans()):
            replies = replies[: data.draw(st.integers(0, len(replies)))]
        at, counters = START + 2.0 * poll, {"lpush": data.draw(st.integers(0, 50))}
        expected = Expected(data.draw(st.none() | st.integers(0, 99)), {"login": 3})
        memory = before.memory if before else None
        listed = data.draw(st.booleans() | st.none())
        reading = Reading(row_id, at, WALL + at, keys, replies, (), listed, counters, expected, memory)
        follow = family.follow(reading)
        more = tuple(data.draw(REPLIES) for _ in follow)
        row = family.decode(
            Reading(row_id, at, WALL + at, keys, replies, more, listed, counters, expected, memory), before
        )
        assert_safe(family, row)
        assert row.id == row_id
        family.weight((row,))
        for judgement in family.survey((row,), 5000, expected):
            assert judgement.text.isprintable()
        for told in (family.tell(before, row), family.tell(row, None), family.tell(None, row)):
            assert told is None or told.text.isprintable()
        before = row


@FAMILIES
@given(row=ROWS)
def test_keys_and_rows_name_each_other(layout: Layout, family: Family, row: bytes) -> None:
    for key in family.keys_of(family.row_of(row)):
        assert family.row_of(key) == family.row_of(row) or key == row
    if layout.families[layout.router(row)] is family:
        assert row in family.keys_of(family.row_of(row))  # no key of a family is ever hidden


@FAMILIES
def test_families_are_declared_in_full(layout: Layout, family: Family) -> None:
    assert family.title
    assert family.tab
    assert family.purpose.endswith(".")
    assert family.columns[-1].kind is Kind.STATE
    assert len({column.id for column in family.columns}) == len(family.columns)
    assert [column.width for column in family.columns].count(0) == 1  # exactly one takes the room that is left
    assert all(column.help for column in family.columns[:-1])
    assert not family.sort[0] or family.column(family.sort[0]) >= 0
    assert len(family.key_titles) >= len(family.keys_of(family.row_of(family.fixed[0] if family.fixed else b"x")))


NAMES = pytest.mark.parametrize(
    ("family_id", "name"),
    [
        ("live_queries", b"live_query:campaign:7:sql"),
        ("locks", b"lock:cron:vuln"),
        ("host_queue", b"async_host:detail"),
        ("preassign", b"mdm:apple:preassign:C02"),
        ("installer_tokens", b"sw:installer:token:0c1f9a3e-0000-4000-8000-000000000000"),
        ("rate_limits", b"rate_limit:login:::1"),
        ("config_cache", b"cache:team:7"),
        ("other", b"session:1"),
        ("upstream_live_queries", b"livequery:{7}"),
        ("upstream_host_tasks", b"label_membership:active_host_ids"),
        ("upstream_hosts", b"policy_pass:{7}"),
        ("upstream_host_cache", b"fleet:hostcache:v1:nk:c2VjcmV0LW5vZGUta2V5"),
        ("upstream_policies", b"policies:failing:7"),
        ("upstream_locks", b"locks:async_collector:{collect_label_membership}"),
        ("upstream_mdm", b"mdm:preassign:C02"),
        ("upstream_tokens", b"software_installer_token:0c1f9a3e-0000-4000-8000-000000000000"),
        ("upstream_limits", b"ipbanner::{10.0.0.7}::count"),
        ("upstream_errors", b"error:{abc=}:json"),
        ("upstream_store", b"key_value_software_batch_1"),
    ],
)


TYPE_OF = {
    "host_queue": "list",
    "upstream_host_tasks": "zset",
    "upstream_hosts": "list",
    "upstream_policies": "set",
    "upstream_mdm": "hash",
}


@NAMES
def test_a_key_that_is_gone_is_not_judged(family_id: str, name: bytes) -> None:
    """It may go between the sweep and the poll."""
    row = BOTH.family(family_id).decode(Reading(name, START, WALL, (KeyFact(name, "none", FOREVER),)), None)
    assert row.judgements == ()


@NAMES
def test_values_that_were_not_read_leave_cells_empty(family_id: str, name: bytes) -> None:
    """A long family makes thin rows from names, types and expiries alone."""
    family = BOTH.family(family_id)
    type_word = TYPE_OF.get(family_id, "string")
    row = family.decode(Reading(name, START, WALL, (KeyFact(name, type_word, Expiry(START + 9, 9.0)),)), None)
    assert_safe(family, row)
    for column, cell in zip(family.columns, row.cells, strict=True):
        if column.probed and column.kind is not Kind.STATE:
            assert cell in (None, ())
        else:
            assert cell is not None

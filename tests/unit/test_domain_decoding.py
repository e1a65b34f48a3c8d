"""Replies to values: whatever a server answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcache_gui.domain import decoding, streams
from fleetcache_gui.domain.values import ReplyError

REPLIES = st.recursive(
    st.none() | st.binary(max_size=20) | st.integers() | st.builds(ReplyError, st.text(max_size=20)),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=12,
)


@given(REPLIES)
def test_nothing_raises(reply: object) -> None:
    decoding.blob(reply)  # type: ignore[arg-type]
    decoding.number(reply)  # type: ignore[arg-type]
    decoding.records(reply)  # type: ignore[arg-type]
    streams.members_commands(b"k", reply)  # type: ignore[arg-type]
    streams.groups(b"k", {streams.groups_command(b"k"): reply})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("reply", "number"),
    [
        (5, 5),
        (b"12", 12),
        (b"-3", -3),
        (b" 12", None),
        (b"1_2", None),
        ("\u0663".encode(), None),
        (b"9" * 20, None),
        (b"12\n", None),
        (None, None),
        ([1], None),
        (ReplyError("x"), None),
    ],
)
def test_numbers(reply: object, number: int | None) -> None:
    assert decoding.number(reply) == number  # type: ignore[arg-type]


@pytest.mark.parametrize("raw", [None, b"", b"[1]", b"{", b"\xff", b'"x"', b"[" * 5000, b'{"a":' * 2000, b"9" * 5000])
def test_what_is_no_json_object_is_none(raw: bytes | None) -> None:
    assert decoding.json_object(raw) is None


def test_a_json_object() -> None:
    assert decoding.json_object(b'{"title_id": 7, "team_id": null}') == {"title_id": 7, "team_id": None}


def test_a_preview_is_one_line_without_a_character_cut_in_two() -> None:
    assert decoding.preview(b"SELECT *\n  FROM\tusers;\n") == "SELECT * FROM users;"
    whole = "é" * 300
    for shift in range(4):
        cut = (b"a" * shift + "€".encode() * 200)[: decoding.PREVIEW]
        shown = decoding.preview(cut, 1000)
        assert shown.rstrip("…").lstrip("a").replace("€", "") == ""
        assert shown.endswith("…")
    assert decoding.preview(whole.encode()[:200]) == "é" * 100


@given(st.binary(min_size=decoding.PREVIEW, max_size=decoding.PREVIEW))
def test_a_preview_is_always_short_and_printable(raw: bytes) -> None:
    shown = decoding.preview(raw)
    assert len(shown) <= decoding.CELL
    assert shown.isprintable()


def test_refusals_tell_codes_and_never_texts() -> None:
    got = {(b"GET", b"a"): ReplyError("NOPERM no access to sw:installer:token:secret"), (b"X",): 3}
    assert decoding.refusals(got) == (("Could not be read", "NOPERM"),)
    assert decoding.refusals({(b"X",): 3}) == ()


def test_replies_that_were_not_read_are_missing() -> None:
    assert decoding.answers([(b"A",), (b"B",)], [1]) == {(b"A",): 1}


def test_consumer_groups() -> None:
    groups = [
        [
            b"name",
            b"w",
            b"consumers",
            2,
            b"pending",
            3,
            b"last-delivered-id",
            b"1700-5",
            b"entries-read",
            40,
            b"lag",
            7,
        ]
    ]
    got: decoding.Answers = {
        (b"XINFO", b"GROUPS", b"q"): groups,  # type: ignore[dict-item]
        (b"XPENDING", b"q", b"w", b"-", b"+", b"100"): [[b"1600-0", b"a", 90_000, 4]],
        (b"XINFO", b"CONSUMERS", b"q", b"w"): [[b"name", b"a", b"pending", 3, b"idle", 1500]],
    }
    assert streams.members_commands(b"q", groups) == tuple(list(got)[1:])  # type: ignore[arg-type]
    (group,) = streams.groups(b"q", got) or ()
    assert (group.name, group.consumers, group.pending, group.lag, group.arrived) == ("w", 2, 3, 7, 47)
    assert group.delivered_ms == 1700
    assert group.members == (streams.Consumer("a", 3, 1.5, b"a"),)
    assert group.oldest == streams.Pending(1600, "a", 90.0, 4)
    assert (group.waiting(100), group.waiting(5)) == (10, 8)  # what was trimmed does not wait any more


def test_a_group_of_very_many_consumers_is_not_asked_for_each() -> None:
    groups = [[b"name", b"w", b"consumers", streams.MOST_CONSUMERS + 1]]
    assert streams.members_commands(b"q", groups) == ((b"XPENDING", b"q", b"w", b"-", b"+", b"100"),)  # type: ignore[arg-type]
    many = [[b"name", b"%d" % n] for n in range(50)]
    assert len(streams.members_commands(b"q", many)) == 2 * streams.MOST_GROUPS  # type: ignore[arg-type]


def test_without_a_lag_everything_kept_may_be_waiting() -> None:
    (group,) = streams.groups(b"q", {streams.groups_command(b"q"): [[b"name", b"w", b"pending", 3, b"lag", None]]})
    assert (group.lag, group.arrived, group.waiting(100)) == (None, None, 100)

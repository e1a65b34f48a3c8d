"""Bytes for people: total, one line, reversible."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fleetcache_gui.domain import text

ANY = st.binary(max_size=200) | st.text(max_size=60).map(lambda t: t.encode("utf-8", "surrogatepass"))


@given(ANY)
@example(b"")
@example(b"\\x41 is not an A")
@example("cafe\u0301 \u202egnp.exe \u200b\u00a0\ufeff\U000e0041".encode())
@example(b"\xed\xa0\x80 \xff\xfe\x00")
def test_what_is_shown_can_be_read_back(raw: bytes) -> None:
    shown = text.show(raw)
    assert text.parse(shown) == raw


@given(ANY)
def test_what_is_shown_is_one_visible_line(raw: bytes) -> None:
    shown = text.show(raw)
    assert shown.isprintable()
    assert not any(unicodedata.combining(char) or unicodedata.category(char) == "Cf" for char in shown)
    shown.encode("utf-8")  # no lone surrogates: a clipboard or a file would choke on them


@given(ANY, ANY)
def test_two_keys_never_look_the_same(one: bytes, other: bytes) -> None:
    assert (text.show(one) == text.show(other)) == (one == other)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"lock:cron", "lock:cron"),
        (b"a\nb\tc\r", "a\\nb\\tc\\r"),
        (b"\x00\x1b[31m", "\\x00\\x1b[31m"),
        (b"\xff", "\\xff"),
        ("é".encode(), "é"),
        ("\u202e".encode(), "\\u{202e}"),
        ("\u2800\u3164".encode(), "\\u{2800}\\u{3164}"),
        (b"<b>x</b>", "<b>x</b>"),  # markup stays as it is: widgets show plain text only
    ],
)
def test_escapes(raw: bytes, shown: str) -> None:
    assert text.show(raw) == shown


@given(ANY, st.integers(1, 50))
def test_a_limit_is_kept(raw: bytes, limit: int) -> None:
    shown = text.show(raw, limit)
    assert len(shown) <= limit
    assert shown == text.show(raw) or shown.endswith("…")


def test_a_huge_value_costs_no_more_than_its_limit() -> None:
    assert len(text.show(b"\xff" * 50_000_000, 20)) == 20


@pytest.mark.parametrize(
    "escaped",
    ["\\q", "\\", "\\x1", "\\xzz", "\\u{110000}", "\\u{zz}", "\\u41", "\\u{41", "\\x 1", "\\u{d800}"],
)
def test_escapes_that_are_never_shown_are_refused(escaped: str) -> None:
    with pytest.raises(ValueError, match=r"escape|chr|surrogate"):
        text.parse(escaped)


@given(st.binary(max_size=300), st.integers(1, 40))
def test_a_block_has_short_printable_lines(raw: bytes, width: int) -> None:
    lines = text.show_block(raw, width).split("\n")
    assert all(len(line) <= width for line in lines)
    assert all(line.replace("\t", "").isprintable() for line in lines)


@given(st.text(min_size=1))
def test_a_mask_shows_four_characters_at_most(secret: str) -> None:
    masked = text.mask(secret)
    assert masked[-1] == "…"
    assert masked[:-1] in ("", secret[:4])
    assert len(secret) > 4 or masked == "…"

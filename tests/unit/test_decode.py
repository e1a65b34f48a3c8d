from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from fleetcache_gui.domain.pages import STRING_WINDOW, PageItem
from fleetcache_gui.domain.text import parse
from fleetcache_gui.present import decode
from fleetcache_gui.present.decode import Form

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
hostile = st.sampled_from(
    [
        b"<img src=x>\x00\x1b[31m\xe2\x80\xae",
        b"[" * 9000,
        b'{"a":' * 3000,
        b"\xff" * 300,
        b'"',
        b"\\" * 200 + b"\n",
        "\u3164\u2028\u202e\ufeff".encode(),
        b"SELECT '(" * 400,
    ]
)


def printable(text: str) -> bool:
    return all(char.isprintable() or char in "\n\t" for char in text)


@given(st.binary(max_size=600) | hostile, st.sampled_from(Form))
def test_any_bytes_in_any_form_are_plain_bounded_lines(raw: bytes, form: Form) -> None:
    text = decode.render(raw, form)
    assert printable(text)
    assert max(map(len, text.split("\n"))) <= decode.LINE
    assert isinstance(decode.guess(raw), Form)


@given(st.binary(max_size=300))
def test_text_can_be_turned_back_into_its_bytes(raw: bytes) -> None:
    if b"\t" not in raw and len(raw) < decode.LINE // 4:
        lines = decode.render(raw, Form.TEXT).split("\n")
        assert b"\n".join(parse(line) for line in lines) == raw


@given(json_values.filter(lambda value: isinstance(value, dict | list)))
def test_json_keeps_its_meaning(value: object) -> None:
    raw = json.dumps(value).encode()
    assert decode.guess(raw) is Form.JSON
    shown = decode.render(raw, Form.JSON)
    if all(len(line) < decode.LINE for line in shown.split("\n")):
        assert json.loads(shown) == value


def test_json_keeps_what_parsing_would_lose() -> None:
    raw = b'{"a":1.10,"a":12345678901234567890123,"b":[],"c":{}}'
    shown = decode.render(raw, Form.JSON).split("\n")
    assert shown == ["{", '  "a": 1.10,', '  "a": 12345678901234567890123,', '  "b": [],', '  "c": {}', "}"]


def test_json_that_a_window_has_cut_is_laid_out_as_far_as_it_goes() -> None:
    raw = b'{"hosts":[' + b'"abcdefgh",' * 10_000
    piece = raw[:STRING_WINDOW]
    assert decode.guess(piece) is Form.JSON
    assert decode.render(piece, Form.JSON).startswith('{\n  "hosts": [\n    "abcdefgh",\n')


def test_deep_json_takes_no_stack_and_little_room() -> None:
    text = decode.render(b"[" * STRING_WINDOW, Form.JSON)
    assert len(text) < 4 * STRING_WINDOW


def test_a_long_list_deep_inside_does_not_become_megabytes() -> None:
    raw = b"[" * 64 + b"1," * STRING_WINDOW
    text = decode.render(raw, Form.JSON)
    assert text.endswith("…")
    assert len(text) < 5 * STRING_WINDOW
    wide = b"[" + b'{"a":1},' * (STRING_WINDOW // 8 - 1)
    assert "…" not in decode.render(wide, Form.JSON)  # what is usual is shown whole


def test_ten_megabytes_give_no_more_than_a_window() -> None:
    raw = b"x" * 10_000_000
    for form in Form:
        assert len(decode.render(raw, form)) < 8 * STRING_WINDOW


def test_sql_is_broken_before_its_clauses_only() -> None:
    raw = b"SELECT a, (SELECT b FROM c) FROM d WHERE e = 'x FROM y' ORDER BY a LIMIT 5"
    assert decode.guess(raw) is Form.SQL
    assert decode.render(raw, Form.SQL).split("\n") == [
        "SELECT a, (SELECT b FROM c)",
        "FROM d",
        "WHERE e = 'x FROM y'",
        "ORDER BY a",
        "LIMIT 5",
    ]


def test_sql_with_a_comment_or_its_own_lines_stays_as_it_is() -> None:
    for raw in (b"SELECT 1 -- FROM here", b"SELECT 1\nFROM t WHERE x"):
        assert decode.render(raw, Form.SQL) == raw.decode()


def test_bitmap_tells_positions_as_getbit_counts_them() -> None:
    raw = bytes([0b1000_0001, 0, 0, 0b0100_0000])
    assert decode.guess(raw) is Form.BITMAP
    assert decode.render(raw, Form.BITMAP) == "3 of 32 bits set\n\n0   7   25"
    assert decode.render(raw, Form.BITMAP, start=1).endswith("8   15  33")
    assert decode.render(b"\xff" * 1000, Form.BITMAP).endswith("… and 7,000 more")


def test_hex_tells_offsets_within_the_whole_value() -> None:
    lines = decode.render(bytes(range(20)) + b"<b>", Form.HEX, start=0x10000).split("\n")
    assert lines[0].startswith("00010000  00 01 02 03 04 05 06 07  08 09")
    assert lines[1].startswith("00010010  10 11 12 13 3c 62 3e")
    assert lines[1].endswith("····<b>")


def test_what_bytes_are() -> None:
    assert decode.guess(b"api-1:9f3c") is Form.TEXT
    assert decode.guess(b"[not json") is Form.TEXT
    assert decode.guess(b"\x1f\x8b\x08" + bytes(20)) is Form.HEX
    assert decode.kind(b"\x1f\x8b\x08") == "gzip data"
    assert decode.kind(b"\x80\x04\x95....").startswith("a Python pickle")
    assert decode.guess("grün".encode() * 20_000) is Form.TEXT  # the window cuts its last character


@given(st.lists(st.builds(PageItem, st.binary(max_size=60), st.binary(max_size=60), st.booleans())))
def test_any_elements_are_plain_lines(items: list[PageItem]) -> None:
    for word in ("set", "hash", "stream"):
        text = decode.listing(word, items)
        assert printable(text)
        assert text.count("\n") <= 4 * len(items)


def test_elements_stand_after_their_labels() -> None:
    items = [PageItem(b"serial", b"C02"), PageItem(b"team", b"x" * 5, cut=True), PageItem(b"e", b"")]
    assert decode.listing("hash", items) == "serial  C02\nteam    xxxxx…\ne       (empty)"


def test_short_members_of_a_set_stand_side_by_side() -> None:
    items = [PageItem(b"", str(i).encode()) for i in range(8, 14)]
    assert decode.listing("set", items, wide=12) == "8   9   10\n11  12  13"


def test_long_elements_stand_apart() -> None:
    items = [PageItem(b"0", b"x" * 30), PageItem(b"1", b"y" * 30)]
    assert decode.listing("list", items, wide=12) == f"0\n{'x' * 30}\n\n1\n{'y' * 30}"

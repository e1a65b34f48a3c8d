"""The ends of requests and replies, however the stream is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.resp import Splitter, pack, words

REPLIES = [
    b"+OK\r\n",
    b"-ERR no\r\n",
    b":-1\r\n",
    b"$-1\r\n",
    b"$0\r\n\r\n",
    b"$4\r\n\r\n:1\r\n",
    b"*-1\r\n",
    b"*0\r\n",
    b"*3\r\n*1\r\n:1\r\n*0\r\n$1\r\nx\r\n",
    b"%1\r\n+a\r\n~2\r\n#t\r\n,1.5\r\n",
    b"%0\r\n",
    b"_\r\n",
    b"=6\r\ntxt:hi\r\n",
    b"!3\r\nERR\r\n",
    b"(99999999999999999999\r\n",
    b">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n+after a push\r\n",
    b"|1\r\n+ttl\r\n:1\r\n*1\r\n+attributed\r\n",
]


def split(stream: bytes, size: int) -> list[bytes]:
    """The stream's parts, when it comes in pieces of `size` bytes; what has not ended comes last."""
    splitter, parts = Splitter(), [b""]
    for at in range(0, len(stream), size):
        for piece, ended in splitter.feed(stream[at : at + size]):
            parts[-1] += piece
            if ended:
                parts.append(b"")
    return parts


@given(st.lists(st.sampled_from(REPLIES)), st.integers(1, 40))
def test_replies_of_every_kind_end_where_they_end(replies: list[bytes], size: int) -> None:
    assert split(b"".join(replies), size) == [*replies, b""]


@given(st.lists(st.lists(st.binary(), min_size=1), min_size=1), st.integers(1, 40))
def test_requests_of_any_bytes_are_read_back(requests: list[list[bytes]], size: int) -> None:
    parts = split(b"".join(pack(*request) for request in requests), size)
    assert [words(part) for part in parts[:-1]] == [(name.upper(), *rest) for name, *rest in requests]


def test_inline_requests_and_empty_ones() -> None:
    parts = split(b"get  k\r\n\r\n*0\r\nping\n", 3)
    assert [words(part) for part in parts[:-1]] == [(b"GET", b"k"), (), (), (b"PING",)]


@pytest.mark.parametrize("stream", [b"\x16\x03\x01\n", b"$abc\r\n", b"*\r\n", b"+OK\r\n\xff\n"])
def test_what_is_not_resp_has_no_ends(stream: bytes) -> None:
    splitter = Splitter()
    assert b"".join(piece for piece, _ in splitter.feed(stream)) == stream
    assert splitter.broken
    assert splitter.feed(b"+OK\r\n") == [(b"+OK\r\n", False)]

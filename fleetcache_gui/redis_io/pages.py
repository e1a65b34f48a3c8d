"""Values by page, whatever their type and size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fleetcache_gui.domain.pages import ITEMS, STRING_WINDOW, KeyAbout, Page, PageCursor, PageItem
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.domain.words import size
from fleetcache_gui.redis_io.faults import code_shown
from fleetcache_gui.redis_io.keyspace import AWAY
from fleetcache_gui.redis_io.topology import slot_of, tag_of

if TYPE_CHECKING:
    from fleetcache_gui.redis_io.keyspace import Keyspace

_PAGE_BYTES = 1 << 20
"""About how many bytes one page of a collection may weigh on the wire."""

_ITEM_BYTES = 16 * 1024

_WORD = 20  # characters
_TAG = 40

_ELEMENT_LIMIT = 8 << 20
"""Collections whose elements are larger on average are not fetched: one element would be megabytes on the wire."""

_LENGTHS = {
    "string": b"STRLEN",
    "list": b"LLEN",
    "set": b"SCARD",
    "hash": b"HLEN",
    "zset": b"ZCARD",
    "stream": b"XLEN",
}

_BY_POSITION = ("string", "list", "zset")


async def page(keyspace: Keyspace, key: bytes, type_word: str, cursor: PageCursor | None) -> Page:
    """The page that `cursor` points at (None: the first). What cannot be read comes as `Page.problem`."""
    first = cursor.first if cursor else 0
    if type_word not in _LENGTHS:
        word = "The key is gone." if type_word == "none" else f"A value of type {type_word} is not shown."
        return Page(key, type_word, problem=word)
    length, weight = await keyspace.exchange(((_LENGTHS[type_word], key), (b"MEMORY", b"USAGE", key)))
    if isinstance(length, ReplyError):
        return Page(key, type_word, problem=_sentence(length))
    total = length if isinstance(length, int) else None
    if type_word != "string" and total and isinstance(weight, int) and weight // total > _ELEMENT_LIMIT:
        return Page(key, type_word, total=total, problem=f"Elements of about {size(weight / total)} are not fetched.")
    count = _count(total, weight)
    reply = await keyspace.ask(*_command(key, type_word, cursor, count))
    if isinstance(reply, ReplyError):
        return Page(key, type_word, problem=_sentence(reply))
    items, token = _items(type_word, reply, first, count)
    following = first + (len(items[0].value) if type_word == "string" and items else len(items))
    if type_word in _BY_POSITION and items and total is not None and following < total:
        token = b"%d" % following
    return Page(key, type_word, items, total, first, PageCursor(token, following) if token else None)


async def about(keyspace: Keyspace, key: bytes) -> KeyAbout:
    """What the server tells about a key beside its value."""
    encoding, memory = await keyspace.exchange(((b"OBJECT", b"ENCODING", key), (b"MEMORY", b"USAGE", key)))
    told = KeyAbout(
        encoding=show(encoding, _WORD) if isinstance(encoding, bytes) else None,
        memory=memory if isinstance(memory, int) else None,
    )
    if keyspace.topology is None:
        return told
    tag, owner = tag_of(key), keyspace.topology.owner(slot_of(key))
    return replace(
        told, slot=slot_of(key), node=str(owner.address) if owner else "", tag="" if tag is None else show(tag, _TAG)
    )


def _count(total: int | None, weight: Reply) -> int:
    """Elements a page: fewer where each is large, so that a page of huge elements stays a page."""
    if not total or not isinstance(weight, int):
        return ITEMS
    return max(1, min(ITEMS, _PAGE_BYTES * total // max(weight, 1)))


def _command(key: bytes, type_word: str, cursor: PageCursor | None, count: int) -> Command:
    token = cursor.token if cursor else None
    start = int(token) if token and token.isdigit() else 0
    match type_word:
        case "string":
            return (b"GETRANGE", key, b"%d" % start, b"%d" % (start + STRING_WINDOW - 1))
        case "list":
            return (b"LRANGE", key, b"%d" % start, b"%d" % (start + count - 1))
        case "zset":
            return (b"ZRANGE", key, b"%d" % start, b"%d" % (start + count - 1), b"WITHSCORES")
        case "set":
            return (b"SSCAN", key, token or b"0", b"COUNT", b"%d" % count)
        case "hash":
            return (b"HSCAN", key, token or b"0", b"COUNT", b"%d" % count)
        case _:
            return (b"XRANGE", key, b"(" + token if token else b"-", b"+", b"COUNT", b"%d" % count)


def _items(type_word: str, reply: Reply, first: int, count: int) -> tuple[tuple[PageItem, ...], bytes | None]:
    """The elements of a reply, and the token of the next page where the reply itself holds it."""
    if type_word == "string":
        return ((PageItem(b"", reply),) if isinstance(reply, bytes) and reply else ()), None
    if not isinstance(reply, list):
        return (), None
    if type_word == "list":
        return tuple(_item(b"%d" % (first + i), value) for i, value in enumerate(reply)), None
    if type_word == "zset":
        return tuple(_item(score, value) for value, score in zip(reply[::2], reply[1::2], strict=False)), None
    if type_word == "stream":
        entries = [entry for entry in reply if isinstance(entry, list) and len(entry) == 2]
        items = tuple(_item(entry[0], _flat(entry[1])) for entry in entries)
        last = entries[-1][0] if len(entries) == count else None
        return items, last if isinstance(last, bytes) else None
    if len(reply) != 2 or not isinstance(reply[1], list):
        return (), None
    found = reply[1]
    token = reply[0] if isinstance(reply[0], bytes) and reply[0] != b"0" else None
    if type_word == "set":
        return tuple(_item(b"", value) for value in found), token
    return tuple(_item(name, value) for name, value in zip(found[::2], found[1::2], strict=False)), token


def _flat(fields: Reply) -> bytes:
    """A stream entry's fields as lines `name: value`."""
    if not isinstance(fields, list):
        return b""
    words = [word if isinstance(word, bytes) else b"" for word in fields]
    return b"\n".join(b"%b: %b" % pair for pair in zip(words[::2], words[1::2], strict=False))


def _item(label: Reply, value: Reply) -> PageItem:
    name = label if isinstance(label, bytes) else b""
    raw = value if isinstance(value, bytes) else b""
    return PageItem(name[:_ITEM_BYTES], raw[:_ITEM_BYTES], len(raw) > _ITEM_BYTES)


def _sentence(error: ReplyError) -> str:
    if error.code == "NOPERM":
        return "The account may not read this value."
    if error is AWAY:
        return "No node that can be reached serves this key now."
    if error.code == "WRONGTYPE":
        return "The key has another type now. Refresh to read it afresh."
    return f"The server answered with an error ({code_shown(error)})."

"""What an account may do to keys, found out without doing anything to any.

`ACL DRYRUN` tells where the account may ask it. Elsewhere one script tries each command in a form that changes nothing,
on a key that does not exist, and tells how it was refused.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from fleetcache_gui.domain.values import Command, Reply, ReplyError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    Ask = Callable[[Sequence[Command]], Awaitable[list[Reply]]]

_HARMLESS: dict[bytes, tuple[bytes, ...]] = {
    b"TYPE": (),
    b"DUMP": (),
    b"PTTL": (),
    b"UNLINK": (),
    b"DELIFEQ": (b"x",),
    b"DELEX": (b"IFEQ", b"x"),
    b"SREM": (b"x",),
    b"PEXPIREAT": (b"1",),
    b"PERSIST": (),
    b"LTRIM": (b"1", b"0"),
    b"LRANGE": (b"0", b"0"),
    b"LSET": (b"0", b"x"),
    b"LREM": (b"0", b"x"),
    b"XDEL": (b"0-1",),
    b"XACK": (b"no-group", b"0-1"),
    b"XCLAIM": (b"no-group", b"nobody", b"0", b"0-1"),
    b"XGROUP DELCONSUMER": (b"no-group", b"nobody"),
    b"XGROUP SETID": (b"no-group", b"0"),
    b"RESTORE": (b"0", b"x"),  # no dump at all, so that nothing is ever made of it
}
"""Arguments with which each command does nothing to a key that does not exist."""

_MAKING: dict[bytes, tuple[bytes, ...]] = {b"SADD": (b"x",), b"RPUSH": (b"x",)}
"""These would make the key, so only DRYRUN is asked of them."""

FLUSH = b"FLUSHDB"
FLUSHING = FLUSH + b" __probe__"
"""That is no option of FLUSHDB: who may use it hears of a syntax error, and nothing is flushed."""

SCRIPT = b"""
local told = {}
for i, line in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(line, '%S+') do words[#words + 1] = word == '@' and KEYS[1] or word end
  local reply = redis.pcall(unpack(words))
  told[i] = type(reply) == 'table' and reply.err or ''
end
return told
"""

_NOT_ALLOWED = "The account may not use {}."
_FAULTS = (
    ("READONLY", "This is a replica: it takes no writes."),
    ("MISCONF", "The server takes no writes until it can save its data again (MISCONF)."),
    ("NOREPLICAS", "The server takes no writes while too few replicas follow it (NOREPLICAS)."),
    ("OOM", "The server's memory is full."),
    ("MASTERDOWN", "This replica has lost its primary."),
    ("LOADING", "The server is loading its data."),
    ("BUSY", "The server is busy running a script."),
)


def reason(error: str, command: str) -> str:
    """Why a command cannot be used, from what the server said; empty where that is not what it said."""
    low = error.lower()
    # First what may quote names of accounts and keys: somebody's name may be any of the words below.
    if "unknown command" in low or "unknown redis command" in low or "not found" in low:
        return f"The server has no {command} (or it was renamed)."
    if "noperm" in low or "no permission" in low or "acl failure" in low or "can't run this command" in low:
        if "access a key" in low or "access the" in low or "one of the keys" in low:
            return "The account may not change these keys."
        return _NOT_ALLOWED.format(command)
    return next((text for word, text in _FAULTS if word in error), "")


async def refused(ask: Ask, prefixes: Iterable[bytes]) -> dict[tuple[bytes, bytes], str]:
    """What cannot be done to keys with each prefix: (prefix, command) to the reason. Raises `Trouble`."""
    keys = {prefix: prefix + b"fleetcache-inspector-" + uuid.uuid4().hex.encode() for prefix in prefixes}
    (who,) = await ask(((b"ACL", b"WHOAMI"),))
    found: dict[tuple[bytes, bytes], str] = {}
    dry = False
    if isinstance(who, bytes):
        for prefix, key in keys.items():
            dry = await _dry_run(ask, who, prefix, key, found)
            if not dry:
                break
    if not dry:
        found = {}
        for prefix, key in keys.items():
            await _try(ask, prefix, key, found)
    return found


async def _dry_run(ask: Ask, who: bytes, prefix: bytes, key: bytes, found: dict[tuple[bytes, bytes], str]) -> bool:
    wanted = {**_HARMLESS, **_MAKING}
    lines = [(name, (*name.split(), key, *more)) for name, more in wanted.items()]
    lines += [(b"EVALSHA", (b"EVALSHA", b"0" * 40, b"1", key)), (b"EVAL", (b"EVAL", b"return 1", b"1", key))]
    lines += [(FLUSH, (b"FLUSHDB", b"ASYNC"))]
    replies = await ask([(b"ACL", b"DRYRUN", who, *command) for _, command in lines])
    for (name, _), reply in zip(lines, replies, strict=True):
        if isinstance(reply, ReplyError):
            if "not found" not in reply.text:
                return False
            found[prefix, name] = reason(reply.text, name.decode())
        elif isinstance(reply, bytes) and reply != b"OK":
            found[prefix, name] = reason("NOPERM " + reply.decode("utf-8", "replace"), name.decode())
    return True


async def _try(ask: Ask, prefix: bytes, key: bytes, found: dict[tuple[bytes, bytes], str]) -> None:
    lines = [b" ".join((*name.split(), b"@", *more)) for name, more in _HARMLESS.items()]
    lines.append(FLUSHING)
    # What is needed where there is no EVAL is tried by itself.
    alone = (b"TYPE", b"DUMP", b"DELIFEQ", b"DELEX")
    tries: list[Command] = [(name, key, *_HARMLESS[name]) for name in alone]
    tries += ((b"EVALSHA", b"0" * 40, b"1", key), (b"EVAL", SCRIPT, b"1", key, *lines))
    *answered, told = await ask(tries)
    for name, reply in zip((*alone, b"EVALSHA"), answered, strict=True):
        if isinstance(reply, ReplyError) and (why := reason(reply.text, name.decode())):
            found[prefix, name] = why
    if isinstance(told, ReplyError):
        # On another node of the cluster than its own, the key is never looked at.
        if why := reason(told.text, "EVAL"):
            found[prefix, b"EVAL"] = why
        return
    for name, error in zip((*_HARMLESS, FLUSH), told if isinstance(told, list) else [], strict=False):
        if isinstance(error, bytes) and (why := reason(error.decode("utf-8", "replace"), name.decode())):
            found[prefix, name] = why

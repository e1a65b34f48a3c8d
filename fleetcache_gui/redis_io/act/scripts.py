"""The scripts that change keys, each atomic with its condition. Keys and values reach them as KEYS and ARGV only.

Every script answers a list: a word (`done`, `gone`, `changed`, `guard`, `unsaved`), then what is told of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain.plan import Deed, Fingerprint, Guard, Step
from fleetcache_gui.redis_io.survey import HEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.values import Command

_CONDITION = """
local lengths = {string='STRLEN', list='LLEN', set='SCARD', hash='HLEN', zset='ZCARD', stream='XLEN'}
local function last_id(key)
  local facts = redis.call('XINFO', 'STREAM', key)
  for i = 1, #facts, 2 do
    if facts[i] == 'last-generated-id' then return facts[i + 1] end
  end
end
-- ARGV: type, length, digest, what of it, expiry. Nothing where the key is as it was seen, else what differs.
local function differs()
  local key, kind = KEYS[1], redis.call('TYPE', KEYS[1]).ok
  if kind == 'none' then return {'gone'} end
  if kind ~= ARGV[1] then return {'changed', 'type'} end
  if ARGV[2] ~= '' and redis.call(lengths[kind], key) ~= tonumber(ARGV[2]) then return {'changed', 'length'} end
  local found = ''
  if ARGV[4] == 'dump' then found = redis.sha1hex(redis.call('DUMP', key))
  elseif ARGV[4] == 'head' then found = redis.sha1hex(redis.call('GETRANGE', key, 0, LAST))
  elseif ARGV[4] == 'id' then found = redis.sha1hex(last_id(key)) end
  if found ~= ARGV[3] then return {'changed', 'value'} end
  if ARGV[5] ~= '' then
    local left = redis.call('PTTL', key)
    if (ARGV[5] == '-1') ~= (left == -1) then return {'changed', 'expiry'} end
    local at = tonumber(ARGV[5])
    if at > 0 and redis.call('PEXPIRETIME', key) ~= at then return {'changed', 'expiry'} end
  end
end
-- From `first` on ARGV holds a kind and a member for each of KEYS[2], KEYS[3] …
local function unguarded(first)
  for i = 2, #KEYS do
    local kind, member = ARGV[first + 2 * (i - 2)], ARGV[first + 2 * (i - 2) + 1]
    local found
    if kind == 'in' or kind == 'out' then found = redis.pcall('SISMEMBER', KEYS[i], member)
    else found = redis.call('EXISTS', KEYS[i]) end
    local wanted = (kind == 'in' or kind == 'there') and 1 or 0
    if found ~= wanted then return {'guard', tostring(i - 2)} end
  end
end
""".replace("LAST", str(HEAD - 1))

_REMOVE = """
local no = differs() or unguarded(8)
if no then return no end
if ARGV[6] ~= '' and redis.sha1hex(redis.call('DUMP', KEYS[1])) ~= ARGV[6] then return {'unsaved'} end
if ARGV[7] ~= '' and redis.call('PEXPIRETIME', KEYS[1]) ~= tonumber(ARGV[7]) then return {'unsaved'} end
redis.call('UNLINK', KEYS[1])
return {'done'}
"""

_DROP_MEMBER = """
local no = differs()
if no then return no end
local members = tonumber(ARGV[6])
no = unguarded(7 + members)
if no then return no end
local dropped = 0
for i = 7, 6 + members do dropped = dropped + redis.call('SREM', KEYS[1], ARGV[i]) end
if dropped == 0 then return {'gone'} end
return {'done', tostring(dropped)}
"""

_EXPIRE = """
local no = differs() or unguarded(7)
if no then return no end
redis.call('PEXPIREAT', KEYS[1], ARGV[6])
return {'done'}
"""

_PUT_MEMBERS = """
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'set' then return {'changed', 'type'} end
local added = 0
for i = 1, #ARGV do added = added + redis.call('SADD', KEYS[1], ARGV[i]) end
if added == 0 then return {'changed', 'there'} end
return {'done', tostring(added)}
"""

_PERSIST = """
local left = redis.call('PTTL', KEYS[1])
if left == -2 then return {'gone'} end
if left == -1 then return {'changed', 'expiry'} end
if ARGV[1] ~= '' and redis.call('PEXPIRETIME', KEYS[1]) ~= tonumber(ARGV[1]) then return {'changed', 'expiry'} end
redis.call('PERSIST', KEYS[1])
return {'done'}
"""

_FLUSH = """
if redis.call('DBSIZE') > tonumber(ARGV[1]) then return {'changed', 'length'} end
redis.call('FLUSHDB', 'ASYNC')
return {'done'}
"""


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the name under which a server keeps it once it has run there."""

    text: bytes
    sha: bytes

    @classmethod
    def of(cls, text: str) -> Script:
        raw = text.encode()
        return cls(raw, hashlib.sha1(raw, usedforsecurity=False).hexdigest().encode())

    def call(self, keys: Sequence[bytes], args: Sequence[bytes], *, whole: bool = False) -> Command:
        """The command that runs it; `whole` sends its text, as it must be where the server has not met it."""
        head = (b"EVAL", self.text) if whole else (b"EVALSHA", self.sha)
        return (*head, b"%d" % len(keys), *keys, *args)


REMOVE = Script.of(_CONDITION + _REMOVE)
DROP_MEMBER = Script.of(_CONDITION + _DROP_MEMBER)
EXPIRE = Script.of(_CONDITION + _EXPIRE)
PUT_MEMBERS = Script.of(_PUT_MEMBERS)
PERSIST = Script.of(_PERSIST)
FLUSH = Script.of(_FLUSH)


def condition(seen: Fingerprint) -> list[bytes]:
    """A fingerprint as the scripts take it."""
    return [
        seen.type.encode("utf-8", "surrogateescape"),
        b"" if seen.length is None else b"%d" % seen.length,
        seen.digest.encode(),
        seen.digest_of.encode(),
        b"" if seen.expires_ms is None else b"%d" % seen.expires_ms,
    ]


def guard_words(guards: Sequence[Guard]) -> list[bytes]:
    """Guards as the scripts take them."""
    words: list[bytes] = []
    for guard in guards:
        kind = (b"in", b"out") if guard.member is not None else (b"there", b"absent")
        words += (kind[not guard.present], guard.member or b"")
    return words


def changing(
    step: Step, guards: Sequence[Guard], saved: bytes = b"", ends: int | None = None
) -> tuple[Script, list[bytes], list[bytes]]:
    """The script for a step, its keys and its arguments. `saved`: the SHA-1 (hex) of the dump that was saved of the
    key; `ends`: the expiry that was saved with it (Unix ms, -1 for none, None where no server tells it), or that is
    given to it."""
    draft = step.draft
    keys = [draft.key, *(guard.key for guard in guards)]
    head, tail = condition(step.seen), guard_words(guards)
    if draft.deed is Deed.REMOVE:
        return REMOVE, keys, [*head, saved, b"" if ends is None else b"%d" % ends, *tail]
    if draft.deed is Deed.DROP_MEMBER:
        return DROP_MEMBER, keys, [*head, b"%d" % len(draft.args), *draft.args, *tail]
    if draft.deed is Deed.EXPIRE:
        assert ends is not None
        return EXPIRE, keys, [*head, b"%d" % ends, *tail]
    raise AssertionError(f"{draft.deed} has a runner of its own")


def native(step: Step, command: bytes) -> Command | None:
    """The server's own compare-and-delete for a string whose whole value is the condition, where it has one."""
    draft = step.draft
    if not command or draft.deed is not Deed.REMOVE or draft.value is None or draft.guards:
        return None
    if step.seen.expires_ms is not None:  # it can compare the value alone
        return None
    return (command, draft.key, b"IFEQ", draft.value) if command == b"DELEX" else (command, draft.key, draft.value)

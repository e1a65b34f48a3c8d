"""The scripts that change a queue, each atomic with its condition.

Entries of a list have no identity but their values and their order. Hosts push at the head and workers pop at the tail
all the time, so a place in it is known by the entries on both sides of it, the *boundary*: those just newer than it and
those just older. Every place that looks like the boundary may be it, so nothing goes beyond the oldest such place; and
nothing goes at all where none is left. Only where the server's own counters prove that nothing was taken from any list
since the survey, the place follows from the length alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.redis_io.act.scripts import Script
from fleetcache_gui.redis_io.survey_queue import STRANGERS, TAKERS

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMON = """
local key = KEYS[1]
local function none_of(kind)
  local found = redis.call('TYPE', key).ok
  if found == 'none' then return {'gone'} end
  if found ~= kind then return {'changed', 'type'} end
end
local function now()
  local clock = redis.call('TIME')
  return clock[1] * 1000 + math.floor(clock[2] / 1000)
end
"""

_TAKEN = """
local takers, strangers = {TAKERS}, {STRANGERS}
-- Calls since the server began, as text; nothing where the account may not ask.
local function called()
  local told = redis.pcall('INFO', 'commandstats')
  if type(told) ~= 'string' then return '', '' end
  local took, strange = 0, 0
  for name, calls in string.gmatch(told, 'cmdstat_(%a+):calls=(%d+)') do
    if takers[name] then took = took + calls end
    if strangers[name] then strange = strange + calls end
  end
  return string.format('%.0f', took), string.format('%.0f', strange)
end
"""

# ARGV: how many stay in any case, how many may go at most, places to look at, calls of takers and of strangers as they
# were (or empty), how many newer, how many older, how many to take, 1 where their values follow; then newer, older,
# values.
_TAKE = """
local no = none_of('list')
if no then return no end
local stay, most, window, counted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local newer, older, wanted, saved = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9] == '1'
local function new(i) return ARGV[9 + i] end
local function old(i) return ARGV[9 + newer + i] end
local function value(i) return ARGV[9 + newer + older + i] end
local length = redis.call('LLEN', key)
local sum, strange = called()
if ARGV[5] ~= '' and strange ~= '' and ARGV[5] ~= strange then return {'changed', 'strange'} end
local still = counted ~= '' and counted == sum
if length - stay < most then most, still = length - stay, false end
if most <= 0 then return {'gone'} end
-- The place is known to lie `most` entries from the old end, or nearer to it: look for it from there on.
local first = length - most - newer
local around = redis.call('LRANGE', key, first, first + newer + window + older - 1)
local place
for from = 0, window - 1 do
  local left, fits = most - from, true
  if left < 1 then break end
  for i = 1, math.min(older, left) do
    if around[from + newer + i] ~= old(i) then fits = false break end
  end
  if fits then
    for i = 1, newer do
      if around[from + i] ~= new(i) then fits = false break end
    end
  end
  if fits then place = left break end
end
if not place then
  if most <= window then return {'gone'} end
  return {'look', tostring(most - window)}
end
still = still and place == most
local count = math.min(wanted, place)
local size = math.min(length, wanted + newer)
local tail = (saved or not still) and redis.call('LRANGE', key, -size, -1)
if saved then
  -- Workers may have taken the oldest of what was read: what was saved and is still there are its first `held`.
  local held
  for gone = 0, math.min(256, wanted - 1) do
    local all = wanted - gone <= size
    for i = 1, wanted - gone do
      if not all or tail[size - (wanted - gone) + i] ~= value(i) then all = false break end
    end
    if all then held = wanted - gone break end
  end
  if not held then return {'moved'} end
  count = math.min(held, place)
  wanted = held
end
local alike = '0'
if not still then
  for left = 1, count do
    local fits = left + newer <= size
    if fits then
      for i = 1, math.min(older, left) do
        if tail[size - left + i] ~= old(i) then fits = false break end
      end
    end
    if fits then
      for i = 1, newer do
        if tail[size - left - newer + i] ~= new(i) then fits = false break end
      end
    end
    if fits then
      if left < place then alike = '1' end
      count = left
      break
    end
  end
end
redis.call('LTRIM', key, 0, -1 - count)
local after = still and string.format('%.0f', sum + 1) or ''
return {'done', tostring(count), tostring(wanted), tostring(place - count), alike, after}
"""

# ARGV: the position as seen, the length as seen, places to pass over, places to look at, how deep it may lie,
# a word that nothing else is, how many newer, how many to drop; then newer and values.
_DROP = """
local no = none_of('list')
if no then return no end
local from, seen, over, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local deep, word, newer, count = tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local length = redis.call('LLEN', key)
from = math.max(from, length - seen + from) + over
local first = from - newer
local around = redis.call('LRANGE', key, first, from + count + window - 2)
local place
for at = 0, math.min(window - 1, #around - newer - count) do
  local fits = true
  for i = 1, newer + count do
    if around[at + i] ~= ARGV[8 + i] then fits = false break end
  end
  if fits then
    if place then return {'twice'} end
    place = from + at
  end
end
if not place then
  if from + window + count > length then return {'gone'} end
  return {'look', tostring(over + window)}
end
local before, after = place + count, length - place
if place == 0 then redis.call('LTRIM', key, count, -1)
elseif before == length then redis.call('LTRIM', key, 0, place - 1)
else
  if math.min(before, after) > deep then return {'deep'} end
  for i = 0, count - 1 do redis.call('LSET', key, place + i, word) end
  redis.call('LREM', key, before <= after and count or -count, word)
end
return {'done', tostring(count)}
"""

_PUT = """
local found = redis.call('TYPE', key).ok
if found ~= 'none' and found ~= 'list' then return {'changed', 'type'} end
redis.call('RPUSH', key, unpack(ARGV))
return {'done', tostring(#ARGV)}
"""

_LAST_ID = """
local function last_id()
  local facts = redis.call('XINFO', 'STREAM', key)
  for i = 1, #facts, 2 do
    if facts[i] == 'last-generated-id' then return facts[i + 1] end
  end
end
local function parts(id) return string.match(id, '^(%d+)-(%d+)$') end
-- Ids are longer than what a number of Lua holds exactly.
local function less(a, b) if #a ~= #b then return #a < #b end return a < b end
local function before(a, b)
  local a1, a2 = parts(a)
  local b1, b2 = parts(b)
  if a1 ~= b1 then return less(a1, b1) end
  return less(a2, b2)
end
"""

# ARGV: the last id as seen, then ids.
_DELETE = """
local no = none_of('stream')
if no then return no end
if before(last_id(), ARGV[1]) then return {'changed', 'value'} end
local flags, count = {}, 0
for i = 2, #ARGV do
  local deleted = redis.call('XDEL', key, ARGV[i])
  count = count + deleted
  flags[#flags + 1] = deleted
end
return {'done', tostring(count), table.concat(flags)}
"""

# ARGV: for each entry its id, how many words, the words.
_ADD = """
local found = redis.call('TYPE', key).ok
if found ~= 'none' and found ~= 'stream' then return {'changed', 'type'} end
local last = found == 'stream' and last_id() or '0-0'
local at, count, kept = 1, 0, 0
while at <= #ARGV do
  local id, words = ARGV[at], tonumber(ARGV[at + 1])
  local keeps = before(last, id)
  local made = redis.call('XADD', key, keeps and id or '*', unpack(ARGV, at + 2, at + 1 + words))
  if keeps then kept = kept + 1 end
  last, count, at = made, count + 1, at + 2 + words
end
return {'done', tostring(count), tostring(kept)}
"""

# ARGV: group, consumer that must have it, where it goes (CLAIM); then for each its id, deliveries, when (ms).
_PENDING = """
local no = none_of('stream')
if no then return no end
local group, consumer, to = ARGV[1], ARGV[2], ARGV[3]
local flags, count, moment = {}, 0, now()
BEFORE
for i = 4, #ARGV, 3 do
  local id, deliveries, when = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local found = redis.pcall('XPENDING', key, group, id, id, 1, consumer)
  if found.err then return {'changed', 'group'} end
  local one, done = found[1], 0
  if one and one[4] == deliveries and moment - one[3] <= when + SLACK then
    ACTION
  end
  count = count + done
  flags[#flags + 1] = done
end
return {'done', tostring(count), table.concat(flags)}
"""
_ACK = "done = redis.call('XACK', key, group, id)"
_THERE = "if not facts_of(to, 'CONSUMERS', key, group) then return {'changed', 'nobody'} end"
# XCLAIM would end the pending state of an entry that was deleted, instead of moving it.
_IF_THERE = "if #redis.call('XRANGE', key, id, id) == 1 then done = #redis.call(CLAIM) end"
_CLAIM = _IF_THERE.replace("CLAIM", "'XCLAIM', key, group, to, 0, id, 'JUSTID'")
_GIVE_BACK = _IF_THERE.replace(
    "CLAIM", "'XCLAIM', key, group, to, 0, id, 'TIME', ARGV[i + 3], 'RETRYCOUNT', deliveries, 'JUSTID'"
)

# ARGV: group, consumer; then for each its id, deliveries, when (ms). Only what is pending for nobody now.
_PEND = """
local no = none_of('stream')
if no then return no end
local group, consumer, count = ARGV[1], ARGV[2], 0
for i = 3, #ARGV, 3 do
  local id = ARGV[i]
  local found = redis.pcall('XPENDING', key, group, id, id, 1)
  if found.err then return {'changed', 'group'} end
  if #found == 0 and #redis.call('XRANGE', key, id, id) == 1 then
    local options = {'TIME', ARGV[i + 2], 'RETRYCOUNT', ARGV[i + 1], 'FORCE', 'JUSTID'}
    count = count + #redis.call('XCLAIM', key, group, consumer, 0, id, unpack(options))
  end
end
return {'done', tostring(count)}
"""

_FACTS = """
local function facts_of(name, ...)
  local all = redis.pcall('XINFO', ...)
  if all.err then return end
  for _, facts in ipairs(all) do
    local found = {}
    for i = 1, #facts, 2 do found[facts[i]] = facts[i + 1] end
    if found.name == name then return found end
  end
end
"""

# ARGV: group, consumer, when it was last active (ms).
_FORGET = """
local no = none_of('stream')
if no then return no end
local found = facts_of(ARGV[2], 'CONSUMERS', key, ARGV[1])
if not found then return {'gone'} end
if found.pending > 0 then return {'changed', 'pending'} end
if now() - found.idle > ARGV[3] + SLACK then return {'changed', 'active'} end
redis.call('XGROUP', 'DELCONSUMER', key, ARGV[1], ARGV[2])
return {'done', '1'}
"""

_MAKE = """
local no = none_of('stream')
if no then return no end
local made = redis.pcall('XGROUP', 'CREATECONSUMER', key, ARGV[1], ARGV[2])
if type(made) == 'table' then return {'changed', 'group'} end
if made == 0 then return {'gone'} end
return {'done', '1'}
"""

# ARGV: group, the last delivered id as it must be, the one that it becomes, entries read (or empty).
_SET_ID = """
local no = none_of('stream')
if no then return no end
local found = facts_of(ARGV[1], 'GROUPS', key)
if not found then return {'changed', 'group'} end
if found['last-delivered-id'] ~= ARGV[2] then return {'changed', 'delivered'} end
if ARGV[4] == '' then redis.call('XGROUP', 'SETID', key, ARGV[1], ARGV[3])
else redis.call('XGROUP', 'SETID', key, ARGV[1], ARGV[3], 'ENTRIESREAD', ARGV[4]) end
return {'done', '1'}
"""

_SLACK = "2"  # ms by which two readings of one moment may differ


def _pending(action: str, before: str = "", words: int = 3) -> Script:
    text = _PENDING.replace("ACTION", action).replace("BEFORE", before).replace("#ARGV, 3 do", f"#ARGV, {words} do")
    return Script.of(_COMMON + _FACTS + text.replace("SLACK", _SLACK))


def _names(names: Sequence[str]) -> str:
    return "{" + ",".join(f"{name}=1" for name in names) + "}"


_CALLED = _TAKEN.replace("{TAKERS}", _names(TAKERS)).replace("{STRANGERS}", _names(STRANGERS))

TAKE = Script.of(_COMMON + _CALLED + _TAKE)
DROP = Script.of(_COMMON + _DROP)
PUT = Script.of(_COMMON + _PUT)
DELETE = Script.of(_COMMON + _LAST_ID + _DELETE)
ADD = Script.of(_COMMON + _LAST_ID + _ADD)
ACK = _pending(_ACK)
CLAIM = _pending(_CLAIM, _THERE)
GIVE_BACK = _pending(_GIVE_BACK, words=4)
PEND = Script.of(_COMMON + _PEND)
FORGET = Script.of(_COMMON + _FACTS + _FORGET.replace("SLACK", _SLACK))
MAKE = Script.of(_COMMON + _MAKE)
SET_ID = Script.of(_COMMON + _FACTS + _SET_ID)

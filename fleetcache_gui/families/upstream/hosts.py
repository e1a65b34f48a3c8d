"""What an upstream Fleet server keeps of single hosts: reports that wait to be collected, and live queries to be asked.

`label_membership:{<id>}` (ZSET), `policy_pass:{<id>}` (LIST), `scheduled_query_stats:{<id>}` (HASH), the two
`…_reported:{<id>}` (STRING, Unix time), all for a week or ten intervals of collection; `livequery:host:{<id>}` (SET of
campaign ids, a week), which stays when a campaign is stopped: ids of ended campaigns in it are normal. A row is a host.
"""

from __future__ import annotations

import re
from functools import partial

from fleetcache_gui.domain import words
from fleetcache_gui.domain.decoding import (
    CELL,
    NAME,
    Verdict,
    answers,
    blob,
    fault,
    key_named,
    keys_now,
    malformed,
    number,
    refusals,
    row_from,
    wrong_type,
)
from fleetcache_gui.domain.drafting import EXPIRY, VALUE, flush, removal
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity
from fleetcache_gui.domain.kinds import LENGTH
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, KeyFact, State, Tone

_PARTS = {
    b"livequery:host:": ("set", "live queries"),
    b"label_membership:": ("zset", "labels"),
    b"policy_pass:": ("list", "policy results"),
    b"scheduled_query_stats:": ("hash", "query statistics"),
    b"label_membership_reported:": ("string", "time of its label report"),
    b"policy_pass_reported:": ("string", "time of its policy report"),
}
"""What is kept of a host, by the beginning of the key: Redis's type, and what it is in words."""

_CAMPAIGNS = b"livequery:host:"
_COUNTED = tuple(_PARTS)[:4]
_REPORTED = tuple(_PARTS)[4:]
_KEY = re.compile(b"(?:" + b"|".join(re.escape(prefix) for prefix in _PARTS) + rb")\{([0-9]{1,19})\}")
_HOST = re.compile(rb"[0-9]{1,19}")
_LONGEST = 60 * 86400.0
_ID = "upstream_hosts"
_CODE = "host"
_STAYS = (
    "Fleet gives it a week, begun anew with each report. Of a host that is gone it stays for ever, and takes memory.",
    "Remove the key: the host's next report makes it anew, with an expiry.",
)


def _row_of(key: bytes) -> bytes:
    match = _KEY.fullmatch(key)
    return match[1] if match else key


def _keys_of(row: bytes) -> tuple[bytes, ...]:
    return tuple(prefix + b"{" + row + b"}" for prefix in _PARTS) if _HOST.fullmatch(row) else (row,)


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    commands: list[Command] = []
    for key in keys:
        if key.type == "string" and key.name.startswith(_REPORTED):
            commands.append((b"GETRANGE", key.name, b"0", b"31"))
        elif key.type in LENGTH:
            commands.append((LENGTH[key.type], key.name))
    return tuple(commands)


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    got = answers(_probes(reading.id, reading.keys), reading.replies)
    host = _row_of(reading.id)
    soonest = min((key.expiry for key in keys if key.exists), key=lambda expiry: expiry.deadline, default=None)
    if not _HOST.fullmatch(host):
        title = show(reading.id, NAME)
        verdict = malformed(reading.id, _CODE, title, "label_membership:{<host id>} and the like")
        empty = (show(reading.id, CELL), None, None, None, soonest)
        return row_from(_ID, reading, before, keys, verdict, title, empty, facts=refusals(got))
    parts = {prefix: key_named(keys, prefix + b"{" + host + b"}") for prefix in _PARTS}
    sizes = {prefix: number(got.get((LENGTH[_PARTS[prefix][0]], parts[prefix].name))) for prefix in _COUNTED}
    waiting = [size for prefix, size in sizes.items() if prefix != _CAMPAIGNS and size is not None]
    told = [number(blob(got.get((b"GETRANGE", parts[prefix].name, b"0", b"31")))) for prefix in _REPORTED]
    last = max((seconds for seconds in told if seconds is not None), default=None)
    ago = None if last is None else max(reading.wall - last, 0.0)
    title = f"Host {host.decode()}"
    if reading.id != host:  # a long family is listed by its keys
        title += f", {_PARTS[reading.id[: reading.id.index(b'{')]][1]}"
    verdict = _verdict(reading, host, parts)
    cells = (title.removeprefix("Host "), sizes[_CAMPAIGNS], sum(waiting) if waiting else None, ago, soonest)
    kept = ((_PARTS[prefix][1].capitalize(), words.count(size)) for prefix, size in sizes.items() if size is not None)
    facts = (*kept, *refusals(got))
    return row_from(_ID, reading, before, keys, verdict, title, cells, facts=facts)


def _verdict(reading: Reading, host: bytes, parts: dict[bytes, KeyFact]) -> Verdict:
    troubles: list[Verdict] = []
    for prefix, (type_word, what) in _PARTS.items():
        key = parts[prefix]
        name = f"Host {host.decode()}: the key of its {what}"
        if odd := wrong_type(reading.id, _CODE, name, key, (type_word,)):
            troubles.append(odd)
        elif key.exists and key.expiry.never:
            text = f"{name} has no expiry."
            troubles.append(fault(reading.id, f"{_CODE}.no-ttl", "no expiry", Severity.WARNING, text, _STAYS))
    if troubles:
        return troubles[0]
    kept = [what for prefix, (_, what) in _PARTS.items() if parts[prefix].exists and prefix in _COUNTED]
    if not kept:
        return Verdict(State("collected", Tone.OK), "Its reports were collected; only their times are kept.")
    if kept == ["live queries"]:
        return Verdict(State("targeted", Tone.ACCENT), "Live queries name this host; ended ones among them are normal.")
    return Verdict(State("waiting", Tone.ACCENT), f"Kept for it: {words.listed(kept)}.")


FAMILY = Family(
    id=_ID,
    title="Hosts",
    tab="Hosts",
    noun=("host", "hosts"),
    purpose="What single hosts reported and Fleet has yet to collect, and the live queries that name single hosts; "
    "keys "
    "appear with a host's report or a live query of few hosts, and go when it is collected, or after a week.",
    patterns=(*(f"{show(prefix)}{{<host id>}}" for prefix in _PARTS),),
    prefixes=tuple(_PARTS),
    columns=(
        Column("host", "Host id", Kind.TEXT, 0, "The host's id in Fleet.", probed=False),
        Column("campaigns", "Queries", Kind.NUMBER, 10, "Live queries that name it, ended ones included."),
        Column("waiting", "Waiting", Kind.NUMBER, 10, "Labels, policies and statistics that wait to be collected."),
        Column("reported", "Reported", Kind.SECONDS, 12, "How long ago it last reported labels or policies."),
        Column("left", "Time left", Kind.CLOCK, 16, "Until the first of its keys ends.", probed=False),
        Column("state", "State", Kind.STATE, 12),
    ),
    rule=Rule(frozenset({"set", "zset", "list", "hash", "string"}), "required", _LONGEST),
    decode=_decode,
    row_of=_row_of,
    keys_of=_keys_of,
    key_titles=("Live queries", "Labels", "Policy results", "Query statistics", "Labels reported", "Policies reported"),
    probes=_probes,
    sort=("host", False),
    verbs=(
        flush(
            _ID,
            "hosts",
            partial(removal, moves=VALUE | EXPIRY),
            "What hosts have reported and Fleet has not collected is lost, until they report again; live "
            "queries no longer reach the hosts that they name.",
        ),
    ),
)

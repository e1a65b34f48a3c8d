"""The host cache of an upstream Fleet server, from 4.86 on: hosts by the keys that they sign in with.

`fleet:hostcache:v1:nk:<node key>` and `…:onk:<orbit node key>` (JSON of the host, a minute to three),
`…:nk_miss:<key>` and `…:onk_miss:<key>` (5 s: no host has this key), `…:id2nk:<host id>` and `…:id2onk:<host id>` (the
node key). Names of the first four and values of all are credentials. `enrolled_hosts:host_ids` (SET, no expiry) counts
hosts against the licence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.decoding import Verdict
from fleetcache_gui.domain.drafting import EXPIRY, VALUE, flush, gone, removal
from fleetcache_gui.domain.family import Expected, Family, Judgement, Row, Rule, Severity, Verb
from fleetcache_gui.domain.kinds import KeyKind, Kinds
from fleetcache_gui.domain.values import State, Tone
from fleetcache_gui.domain.verbs import Refusal

if TYPE_CHECKING:
    from fleetcache_gui.domain.plan import Draft

ENROLLED = b"enrolled_hosts:host_ids"
PREFIX = b"fleet:hostcache:"

SLACK = 1.05
"""So many times as many hosts as are enrolled may be cached before that is told: hosts enroll anew with a new key."""

KEYS_A_HOST = 4
"""Keys at most of one host: two node keys, and the way back to each."""

_LONGEST = 3600.0
_CODE = "hostcache"
_ID = "upstream_host_cache"
_FOR_EVER = (
    "Fleet believes this copy for ever: a host that was deleted or moved goes on as before, and its key stays good.",
    "Remove the key: at the host's next check-in the database is asked, and the copy made anew.",
)
_TOO_MANY = (
    "Copies are made of hosts that are not enrolled, or hosts enroll again and again; each copy takes memory, and "
    "Redis works for it.",
    "Look in Fleet for hosts that enroll anew all the time; see whether cached keys have an expiry.",
)


def _kind(word: str, part: str, state: str, why: str, *, secret: bool) -> KeyKind:
    written = f"fleet:hostcache:v1:{part}:"
    return KeyKind(
        word,
        re.compile(
            rb"fleet:hostcache:v[0-9]+:" + part.encode() + (b":(.+)" if secret else b":([0-9]{1,19})"), re.DOTALL
        ),
        written + ("<key>" if secret else "<host id>"),
        Verdict(State(state, Tone.OK), why),
        longest=_LONGEST,
        stays=_FOR_EVER,
        secret=secret,
    )


_COPY = "Fleet answers this host from the copy until it ends, then asks its database again."
_MISS = "No host has this key; for some seconds Fleet does not ask its database again."
_BACK = "Tells the host's node key, so that the copy can be removed when the host changes."

KINDS = Kinds(
    _ID,
    _CODE,
    (
        _kind("Host by node key", "nk", "cached", _COPY, secret=True),
        _kind("Host by orbit key", "onk", "cached", _COPY, secret=True),
        _kind("Node key of host", "id2nk", "cached", _BACK, secret=False),
        _kind("Orbit key of host", "id2onk", "cached", _BACK, secret=False),
        _kind("Unknown node key", "nk_miss", "unknown", _MISS, secret=True),
        _kind("Unknown orbit key", "onk_miss", "unknown", _MISS, secret=True),
        KeyKind(
            "Enrolled hosts",
            re.compile(b"enrolled_hosts:(host_ids)"),
            "enrolled_hosts:host_ids",
            Verdict(State("index"), "The ids of all enrolled hosts; Fleet compares their number with the licence."),
            types=frozenset({"set"}),
            expiry="none",
        ),
    ),
    (PREFIX, b"fleet:hostcache:v1:", b"enrolled_hosts:"),
    secret=True,
)


def _survey(rows: tuple[Row, ...], count: int, expected: Expected) -> tuple[Judgement, ...]:
    """More copies than hosts."""
    counted = next((row.memory for row in rows if row.id == ENROLLED and isinstance(row.memory, int)), None)
    hosts = expected.hosts if counted is None else counted
    if not hosts:
        return ()
    if count == len(rows):
        kinds = [row.cells[0] for row in rows]
        cached = float(max(kinds.count("Host by node key"), kinds.count("Host by orbit key")))
        text = f"{words.count(int(cached), 'host is', 'hosts are')} cached, but only {words.count(hosts)} are enrolled."
    else:
        cached = count / KEYS_A_HOST
        text = f"The host cache has {words.count(count, 'key')} for {words.count(hosts, 'enrolled host')}."
    if cached <= hosts * SLACK:
        return ()
    return (Judgement(f"{_CODE}.too-many", b"", Severity.WARNING, text, *_TOO_MANY),)


def _weight(rows: tuple[Row, ...]) -> int | None:
    """Cached keys, without the row of the enrolled hosts."""
    return sum(row.id != ENROLLED for row in rows)


def _drop(row: Row, _choice: str) -> tuple[Draft, ...]:
    return () if row.id == ENROLLED else removal(row, moves=EXPIRY)  # check-ins lengthen its time


def _every_key(row: Row, _choice: str) -> tuple[Draft, ...]:
    return removal(row, moves=VALUE | EXPIRY)


def _droppable(row: Row, _now: float) -> Refusal | None:
    if row.id == ENROLLED:
        return Refusal("It is no cache: Fleet compares it with the licence.")
    return gone(row)


FAMILY = Family(
    id=_ID,
    title="Host cache",
    tab="Host cache",
    noun=("cached key", "cached keys"),
    purpose="Copies of hosts by the key that they sign in with, which shield the database from their check-ins; keys "
    "appear with a host's check-in and go a minute or three after the last.",
    patterns=tuple(kind.written for kind in KINDS.kinds),
    prefixes=(PREFIX, b"enrolled_hosts:"),
    columns=KINDS.columns("Key or host", "The start of a node key, which is a credential; or the host's id."),
    rule=Rule(frozenset({"string", "set"}), "required", _LONGEST, frozenset({ENROLLED})),
    decode=KINDS.decode,
    probes=KINDS.probes,
    survey=_survey,
    weight=_weight,
    fixed=(ENROLLED,),
    secret=True,
    mask=KINDS.mask,
    private=True,
    sort=("kind", False),
    verbs=(
        Verb(
            f"{_ID}.remove",
            "Drop from the cache…",
            "Drop {} from the cache",
            _drop,
            ("The host's next check-in reads the database, and caches the answer afresh.",),
            fits=_droppable,
            hidden=lambda row: row.id == ENROLLED,
        ),
        flush(
            _ID,
            "cached hosts",
            _every_key,
            "For a minute every check-in reads the database, until the answers are cached again. The ids of enrolled "
            "hosts are counted anew by Fleet's next round.",
        ),
    ),
)

"""What the families' decoders share: replies made into values, and the faults that any key can have.

Total: whatever a server answers, nothing here raises; what does not fit is None.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fleetcache_gui.domain import words
from fleetcache_gui.domain.family import Judgement, Reading, Row, Rule, Severity, renew
from fleetcache_gui.domain.text import shorten, show
from fleetcache_gui.domain.values import (
    FOREVER,
    Cell,
    Command,
    Expiry,
    KeyFact,
    Reply,
    ReplyError,
    Sample,
    State,
    Tone,
)

NAME = 120
"""Characters of a name within a sentence or a title."""

CELL = 256
"""Characters of a text cell: more than a column shows, little enough for a widget."""

PREVIEW = 512
"""Bytes of a string that are read for the table."""

_UNFINISHED = re.compile(rb"[\xc0-\xff][\x80-\xbf]{0,2}\Z")  # UTF-8 that the read may have cut in two
_NUMBER = re.compile(rb"-?[0-9]{1,19}")
_TONES = {Severity.INFO: Tone.NEUTRAL, Severity.WARNING: Tone.WARN, Severity.CRITICAL: Tone.CRITICAL}
_TYPES = {
    "string": "a string",
    "list": "a list",
    "set": "a set",
    "zset": "a sorted set",
    "hash": "a hash",
    "stream": "a stream",
}

Answers = Mapping[Command, Reply]
"""Replies by the command that they answer."""

Advice = tuple[str, str]
"""What a fault means for Fleet, and the next step."""


# ---- replies to values ------------------------------------------------------------------------------------


def answers(asked: Iterable[Command], replies: Iterable[Reply]) -> Answers:
    """Replies in the order of the commands; those that were not read (yet) are missing."""
    return dict(zip(asked, replies, strict=False))


def blob(reply: Reply) -> bytes | None:
    """The bytes of a string reply."""
    return reply if isinstance(reply, bytes) else None


def number(reply: Reply) -> int | None:
    """The integer of an integer reply, or of a string of plain ASCII digits."""
    if isinstance(reply, bytes):
        return int(reply) if _NUMBER.fullmatch(reply) else None
    return reply if isinstance(reply, int) else None


def record(reply: Reply) -> dict[bytes, Reply]:
    """A flat list of names and values (XINFO, HMGET-like) as a mapping."""
    if not isinstance(reply, list):
        return {}
    pairs = zip(reply[::2], reply[1::2], strict=False)
    return {name: value for name, value in pairs if isinstance(name, bytes)}


def records(reply: Reply) -> list[dict[bytes, Reply]]:
    """A list of flat lists, as XINFO GROUPS and XINFO CONSUMERS answer."""
    return [record(item) for item in reply] if isinstance(reply, list) else []


def json_object(raw: bytes | None) -> dict[str, object] | None:
    """The JSON object that `raw` is, or None."""
    try:
        value = json.loads(raw) if raw is not None else None
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested to death
        return None
    return value if isinstance(value, dict) else None


def refusals(got: Answers) -> tuple[tuple[str, str], ...]:
    """A fact for the detail panel when the server refused to answer. Codes only: error texts quote
    arguments."""
    codes = sorted({reply.code for reply in got.values() if isinstance(reply, ReplyError)})
    return (("Could not be read", show(", ".join(codes).encode(errors="replace"), NAME)),) if codes else ()


def preview(raw: bytes, limit: int = CELL) -> str:
    """The start of a text that was read up to `PREVIEW`, on one line: white space is folded."""
    more = "…" if len(raw) >= PREVIEW else ""
    if more:
        raw = _UNFINISHED.sub(b"", raw)
    return shorten(show(b" ".join(raw.split())) + more, limit)


# ---- keys -------------------------------------------------------------------------------------------------


def keys_now(reading: Reading, before: Row | None) -> tuple[KeyFact, ...]:
    """The keys of a reading, with the longest lifetime seen for each carried over from the reading before."""
    known = {key.name: key.expiry for key in before.keys} if before else {}
    return tuple(key._replace(expiry=renew(known.get(key.name), key.expiry)) for key in reading.keys)


def key_named(keys: Iterable[KeyFact], name: bytes) -> KeyFact:
    """That key's facts; a missing key where nothing is known of it."""
    return next((key for key in keys if key.name == name), KeyFact(name, "none", FOREVER))


# ---- verdicts ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a row stands: its pill, the reason in whole sentences, and what is wrong with it if anything."""

    state: State
    why: str
    judgements: tuple[Judgement, ...] = ()


def fault(row: bytes, code: str, word: str, severity: Severity, text: str, advice: Advice) -> Verdict:
    """A verdict with one judgement; its tone follows the severity."""
    judgement = Judgement(code, row, severity, text, *advice)
    return Verdict(State(word, _TONES[severity]), f"{text} {advice[0]}", (judgement,))


def malformed(row: bytes, code: str, name: str, pattern: str) -> Verdict:
    """A key that has a family's prefix and does not fit its pattern. `name` is safe to show. `code` here and
    below is the first word of the judgement's: ``lock`` for ``lock.no-ttl``."""
    return fault(
        row,
        f"{code}.malformed",
        "malformed",
        Severity.WARNING,
        f"The key {name} does not fit the pattern {pattern}.",
        (
            "Fleet never looks at it: another program or a slip of the hand has written it.",
            "Find out who writes it; it can be removed if nobody needs it.",
        ),
    )


def wrong_type(row: bytes, code: str, name: str, key: KeyFact, wanted: Iterable[str]) -> Verdict | None:
    """A verdict when the key exists with a Redis type that Fleet does not use for it. `name` begins a
    sentence."""
    wanted = list(wanted)
    if key.type in (*wanted, "none", "?"):
        return None
    right = " or ".join(_TYPES[word] for word in wanted)
    found = _TYPES.get(key.type) or f"of the type {show(key.type.encode(errors='replace'), 40)}"
    return fault(
        row,
        f"{code}.wrong-type",
        "wrong type",
        Severity.CRITICAL,
        f"{name} is {found}, but Fleet needs {right}.",
        (
            "Each command that Fleet sends for it fails with WRONGTYPE.",
            "Find out which program wrote it. Once it is removed, Fleet makes it anew as it should be.",
        ),
    )


def no_expiry(row: bytes, code: str, name: str, key: KeyFact, severity: Severity, advice: Advice) -> Verdict | None:
    """A verdict when a key that must end lives for ever."""
    if not key.exists or not key.expiry.never:
        return None
    return fault(row, f"{code}.no-ttl", "no expiry", severity, f"{name} has no expiry.", advice)


def too_long(reading: Reading, code: str, name: str, expiry: Expiry, rule: Rule, advice: Advice) -> Verdict | None:
    """A verdict when a key has longer to live than the family's rule allows (a second of grace)."""
    left = expiry.left(reading.at)
    if not expiry.ends or left <= rule.longest + 1:
        return None
    text = f"{name} still lives for {words.duration(left)}; {words.duration(rule.longest)} is the most."
    return fault(reading.id, f"{code}.long-ttl", "too long", Severity.WARNING, text, advice)


def row_from(
    family: str,
    reading: Reading,
    before: Row | None,
    keys: tuple[KeyFact, ...],
    verdict: Verdict,
    title: str,
    cells: tuple[Cell, ...],
    *,
    facts: tuple[tuple[str, str], ...] = (),
    samples: tuple[Sample, ...] = (),
    memory: object = None,
    reveal: str = "",
) -> Row:
    """A row from its parts. `cells` are all but the last: each family's last column is its state."""
    cells = tuple(None if isinstance(cell, Expiry) and not cell.known else cell for cell in cells)
    return Row(
        id=reading.id,
        family=family,
        title=title,
        cells=(*cells, verdict.state),
        state=verdict.state,
        keys=keys,
        why=verdict.why,
        facts=facts,
        samples=samples,
        memory=memory,
        since=before.since if before else reading.at,
        at=reading.at,
        judgements=verdict.judgements,
        reveal=reveal,
    )

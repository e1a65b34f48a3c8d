"""Errors that an upstream Fleet server has met: `error:{<hash>}:json` and `error:{<hash>}:count`, for a day as a rule.

The JSON holds the error with its stack, and the start of it is read for the table. Messages may quote a credential, so
what looks like one is cut there, and the value itself is shown only when asked for. Fleet can be configured to keep
errors for ever, so none of them is called wrong for having no expiry; that there are such is told once.
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
    key_named,
    keys_now,
    malformed,
    number,
    preview,
    refusals,
    row_from,
    wrong_type,
)
from fleetcache_gui.domain.drafting import EXPIRY, VALUE, flush, gone, removal
from fleetcache_gui.domain.family import Column, Expected, Family, Judgement, Kind, Reading, Row, Rule, Severity, Verb
from fleetcache_gui.domain.text import mask, show
from fleetcache_gui.domain.values import Command, KeyFact, State, Tone

MANY = 1000
"""Errors that are told of: Fleet looks for them with a SCAN."""

_KEY = re.compile(rb"error:\{([A-Za-z0-9_=-]{1,100})\}:(?:json|count)")
_HASH = re.compile(rb"[A-Za-z0-9_=-]{1,100}")
_MESSAGE = re.compile(rb'"message"\s*:\s*"((?:[^"\\]|\\.)*)')
_SECRET = re.compile(r"[A-Za-z0-9+/_=-]{20,}")  # long enough for a node key or a token, too long for a word
_TRACE = re.compile(r"[a-z_/-]+")
_JSON = 2048  # bytes read: the message stands near the start
_ID = "upstream_errors"
_CODE = "error"
_ENDLESS = (
    "Errors are kept until somebody removes them: they take memory for ever.",
    "Set logging.error_retention_period in Fleet (a day is usual), and clear them with fleetctl debug errors --flush.",
)
_CROWD = (
    "To read them Fleet goes through all keys of the server; and something is going wrong in many ways.",
    "Read them with fleetctl debug errors, mend what is most frequent, then clear them with --flush.",
)


def _row_of(key: bytes) -> bytes:
    match = _KEY.fullmatch(key)
    return match[1] if match else key


def _json(row: bytes) -> bytes:
    return b"error:{" + row + b"}:json"


def _count(row: bytes) -> bytes:
    return b"error:{" + row + b"}:count"


def _keys_of(row: bytes) -> tuple[bytes, ...]:
    return (_json(row), _count(row)) if _HASH.fullmatch(row) else (row,)


def _read(key: bytes) -> Command:
    return (b"GETRANGE", key, b"0", b"%d" % (_JSON - 1))


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    return tuple(_read(key.name) for key in keys if key.type == "string")


def _message(raw: bytes | None) -> str | None:
    """The first message in the JSON, without what may be a credential."""
    match = _MESSAGE.search(raw) if raw else None
    if match is None:
        return None
    text = preview(match[1], 2 * CELL)
    cut = _SECRET.sub(lambda found: found[0] if _TRACE.fullmatch(found[0]) else mask(found[0]), text)
    return cut[:CELL]


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    got = answers(_probes(reading.id, reading.keys), reading.replies)
    name = _row_of(reading.id)
    soonest = min((key.expiry for key in keys if key.exists), key=lambda expiry: expiry.deadline, default=None)
    if not _HASH.fullmatch(name):
        title = show(reading.id, NAME)
        verdict = malformed(reading.id, _CODE, title, "error:{<hash>}:json or error:{<hash>}:count")
        return row_from(_ID, reading, before, keys, verdict, title, (title, None, None, soonest), facts=refusals(got))
    json, count = key_named(keys, _json(name)), key_named(keys, _count(name))
    title = f"Error {name.decode()[:12]}…"
    message = _message(blob(got.get(_read(json.name))))
    times = number(blob(got.get(_read(count.name))))
    endless = any(key.exists and key.expiry.never for key in keys)
    verdict = (
        wrong_type(reading.id, _CODE, f"{title} (json)", json, ("string",))
        or wrong_type(reading.id, _CODE, f"{title} (count)", count, ("string",))
        or _fine(times, endless=endless)
    )
    cells = (name.decode()[:CELL], message, times, soonest)
    return row_from(_ID, reading, before, keys, verdict, title, cells, facts=refusals(got), memory=endless)


def _fine(times: int | None, *, endless: bool) -> Verdict:
    met = "Met" if times is None else f"Met {words.count(times, 'time')}"
    if endless:
        return Verdict(State("no expiry"), f"{met} since it was last cleared; it is kept until somebody removes it.")
    return Verdict(State("kept", Tone.ACCENT), f"{met} since the key was made; Fleet's log has it as well.")


def _survey(rows: tuple[Row, ...], count: int, expected: Expected) -> tuple[Judgement, ...]:
    """Errors without end, and errors in crowds."""
    told: list[Judgement] = []
    if endless := sum(row.memory is True for row in rows):
        text = f"{words.count(endless, 'error has', 'errors have')} no expiry."
        told.append(Judgement(f"{_CODE}.no-ttl", b"", Severity.INFO, text, *_ENDLESS))
    if count >= MANY:
        text = f"{words.count(count)} errors are kept."
        told.append(Judgement(f"{_CODE}.many", b"", Severity.INFO, text, *_CROWD))
    return tuple(told)


_clear = partial(removal, moves=VALUE | EXPIRY)
"""It may be met once more meanwhile, which counts on and lengthens its time."""

FAMILY = Family(
    id=_ID,
    title="Errors",
    tab="Errors",
    noun=("error", "errors"),
    purpose="Errors that Fleet has met, each once with its number, as fleetctl debug errors lists them; a key "
    "appears "
    "with an error and goes a day after it was last met.",
    patterns=("error:{<hash>}:json", "error:{<hash>}:count"),
    prefixes=(b"error:{",),
    columns=(
        Column("hash", "Error", Kind.CODE, 16, "The start of its hash.", probed=False),
        Column("message", "Message", Kind.TEXT, 0, "The first message in it; what may be a credential is cut."),
        Column("times", "Times", Kind.NUMBER, 10, "How often it was met."),
        Column("left", "Time left", Kind.CLOCK, 16, "Until it is forgotten.", probed=False),
        Column("state", "State", Kind.STATE, 12),
    ),
    rule=Rule(frozenset({"string"})),
    decode=_decode,
    row_of=_row_of,
    keys_of=_keys_of,
    key_titles=("Error", "Times"),
    probes=_probes,
    survey=_survey,
    private=True,
    sort=("times", True),
    verbs=(
        Verb(
            f"{_ID}.remove",
            "Clear error…",
            "Clear {}",
            _clear,
            ("It is listed no more, until it is met again; Fleet's log still has it.",),
            fits=gone,
        ),
        flush(_ID, "errors", _clear, "The list begins anew, as after fleetctl debug errors -flush; the log has them."),
    ),
)

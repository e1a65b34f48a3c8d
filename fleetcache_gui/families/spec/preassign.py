"""MDM preassignment (Apple): `mdm:apple:preassign:<serial>`, a HASH that lives for the enrollment window.

Its fields are `external_id`, `team` and `profile`; a STRING with the same as JSON is understood as well. One that holds
none of them is unreadable.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.coming import comes_and_goes
from fleetcache_gui.domain.decoding import (
    CELL,
    NAME,
    PREVIEW,
    Answers,
    Verdict,
    answers,
    blob,
    fault,
    json_object,
    key_named,
    keys_now,
    malformed,
    no_expiry,
    number,
    refusals,
    row_from,
    too_long,
    wrong_type,
)
from fleetcache_gui.domain.drafting import single_keys
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, KeyFact, State, Tone

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = b"mdm:apple:preassign:"

_FIELDS = (b"external_id", b"team", b"profile")
_LONGEST_FIELD = 4096
_SERIAL = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_ID = "preassign"
_CODE = "preassignment"
_RULE = Rule(frozenset({"hash", "string"}), "required", 3600.0)
_WAITING = Verdict(
    State("waiting", Tone.ACCENT), "The device gets this team and profile if it enrolls before the time ends."
)
_FOR_EVER = (
    "If this device enrolls again one day, it gets a team and a profile that nobody remembers assigning.",
    "Remove the key unless the device is enrolling just now.",
)
_LATE = (
    "The enrollment window is a matter of minutes; a device that comes much later gets an outdated profile.",
    "Check what wrote it: preassignments of Fleet live for minutes.",
)
_UNREADABLE = (
    "Fleet finds no team and no profile there: the device enrolls without them.",
    "Find out what wrote it; remove the key, and assign the device again.",
)


def _lengths(key: KeyFact) -> tuple[Command, ...]:
    return tuple((b"HSTRLEN", key.name, field) for field in _FIELDS)


def _text(key: KeyFact) -> Command:
    return (b"GETRANGE", key.name, b"0", b"%d" % (PREVIEW - 1))


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    commands: list[Command] = []
    for key in keys:
        if key.type == "hash":
            commands += _lengths(key)
        elif key.type == "string":
            commands.append(_text(key))
    return tuple(commands)


def _small(key: KeyFact, got: Answers) -> tuple[bytes, ...]:
    """The fields that are short enough to be read whole: there is no reading a part of one."""
    lengths = {command[2]: number(got.get(command)) for command in _lengths(key)}
    return tuple(field for field, length in lengths.items() if length is not None and length <= _LONGEST_FIELD)


def _follow(reading: Reading) -> tuple[Command, ...]:
    got = answers(_probes(reading.id, reading.keys), reading.replies)
    commands: list[Command] = []
    for key in reading.keys:
        if small := _small(key, got):
            commands.append((b"HMGET", key.name, *small))
        if _nothing(key, got):
            commands.append(_still(key))
    return tuple(commands)


def _nothing(key: KeyFact, got: Answers) -> bool:
    """True where the probes found nothing: the value is odd, or the key has just gone."""
    if key.type == "hash":
        return all(got.get(command) == 0 for command in _lengths(key))
    return key.type == "string" and got.get(_text(key)) == b""


def _still(key: KeyFact) -> Command:
    return (b"TYPE", key.name)


def _answers(reading: Reading) -> Answers:
    asked = answers(_probes(reading.id, reading.keys), reading.replies)
    return {**asked, **answers(_follow(reading), reading.more)}


def _fields(key: KeyFact, got: Answers) -> dict[bytes, str]:
    """External id, team and profile as far as they are there and were read."""
    if key.type == "string":
        values = json_object(blob(got.get(_text(key)))) or {}
        named = {field: values.get(field.decode()) for field in _FIELDS}
        return {
            field: show(str(value).encode(errors="replace"), CELL)
            for field, value in named.items()
            if value is not None
        }
    small = _small(key, got)
    reply = got.get((b"HMGET", key.name, *small))
    pairs = zip(small, reply, strict=False) if isinstance(reply, list) else ()
    return {field: show(value, CELL) for field, value in pairs if isinstance(value, bytes)}


def _unreadable(row: bytes, name: str, key: KeyFact, got: Answers, fields: Mapping[bytes, str]) -> Verdict | None:
    """A verdict when the whole value was read and none of the fields is there."""
    if fields:
        return None
    if key.type == "string":
        raw = blob(got.get(_text(key)))
        if raw is None or (len(raw) >= PREVIEW and raw.lstrip().startswith(b"{")):  # the rest may have them
            return None
    else:
        reply = got.get((b"HMGET", key.name, *_FIELDS))
        if not isinstance(reply, list) or any(value is not None for value in reply):
            return None
    if _nothing(key, got) and got.get(_still(key)) != key.type.encode():
        return None
    text = f"{name} holds neither external id nor team nor profile."
    return fault(row, f"{_CODE}.unreadable", "unreadable", Severity.WARNING, text, _UNREADABLE)


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    key = key_named(keys, reading.id)
    got = _answers(reading)
    serial = reading.id.removeprefix(PREFIX)
    shown = show(serial, NAME)
    fields = _fields(key, got)
    if _SERIAL.fullmatch(serial):
        title, first = f"Device {shown}", show(serial, CELL)
        name = f"The preassignment of {shown}"
        verdict = (
            (None if key.type == "string" else wrong_type(reading.id, _CODE, name, key, ("hash",)))
            or no_expiry(reading.id, _CODE, name, key, Severity.WARNING, _FOR_EVER)
            or too_long(reading, _CODE, name, key.expiry, _RULE, _LATE)
            or _unreadable(reading.id, name, key, got, fields)
            or _WAITING
        )
    else:
        title, first = show(reading.id, NAME), show(reading.id, CELL)
        verdict = malformed(reading.id, _CODE, title, "mdm:apple:preassign:<serial>")
    cells = (first, *map(fields.get, _FIELDS), key.expiry if key.exists else None)
    return row_from(_ID, reading, before, keys, verdict, title, cells, facts=_facts(key, got))


def _facts(key: KeyFact, got: Answers) -> tuple[tuple[str, str], ...]:
    lengths = {command[2]: number(got.get(command)) for command in _lengths(key)}
    facts = [
        (field.decode(), f"{words.size(length)}, too long for the table")
        for field, length in lengths.items()
        if length is not None and length > _LONGEST_FIELD
    ]
    return (*facts, *refusals(got))


FAMILY = Family(
    id=_ID,
    title="MDM preassignment",
    tab="Preassign",
    noun=("preassignment", "preassignments"),
    purpose="The team and profile that an Apple device is to get when it enrolls; a key appears "
    "when a device is assigned and goes when it has enrolled, or after minutes.",
    patterns=("mdm:apple:preassign:<serial>",),
    prefixes=(PREFIX,),
    columns=(
        Column("serial", "Serial", Kind.CODE, 16, "The device's serial number.", probed=False),
        Column("external_id", "External id", Kind.TEXT, 14, "The device's id in the system that assigned it."),
        Column("team", "Team", Kind.TEXT, 20, "The team that the device will join."),
        Column("profile", "Profile", Kind.TEXT, 0, "The profile that the device will get."),
        Column("left", "Time left", Kind.CLOCK, 16, "Until the enrollment window closes.", probed=False),
        Column("state", "State", Kind.STATE, 11),
    ),
    rule=_RULE,
    decode=_decode,
    probes=_probes,
    tell=comes_and_goes("was preassigned", "was collected or removed"),
    follow=_follow,
    sort=("serial", False),
    verbs=single_keys(
        _ID,
        "preassignments",
        title="Remove preassignment…",
        phrase="Remove {}",
        consequence="A device that enrolls now gets no team and profile from it, until it is preassigned again.",
        flushed="Devices in the middle of their enrollment lose their team and profile: they get the default ones.",
        ending="Afterwards the device gets the default team when it enrolls.",
    ),
)

"""MDM preassignment (Apple): `mdm:apple:preassign:<serial>`, a HASH that lives for the enrollment window.

Its fields are `external_id`, `team` and `profile`; a STRING with the same as JSON is understood as well.
"""

from __future__ import annotations

import re

from fleetcache_gui.domain import words
from fleetcache_gui.domain.decoding import (
    CELL,
    NAME,
    PREVIEW,
    Answers,
    Verdict,
    answers,
    blob,
    json_object,
    key_named,
    keys_now,
    malformed,
    no_expiry,
    number,
    preview,
    refusals,
    row_from,
    too_long,
    wrong_type,
)
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, KeyFact, State, Tone

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
    fields = [(key, _small(key, got)) for key in reading.keys]
    return tuple((b"HMGET", key.name, *small) for key, small in fields if small)


def _answers(reading: Reading) -> Answers:
    asked = answers(_probes(reading.id, reading.keys), reading.replies)
    return {**asked, **answers(_follow(reading), reading.more)}


def _fields(key: KeyFact, got: Answers) -> dict[bytes, str]:
    """External id, team and profile as far as they are there and were read."""
    if key.type == "string":
        raw = blob(got.get(_text(key)))
        values = json_object(raw)
        if values is None:
            return {} if raw is None else {_FIELDS[0]: preview(raw)}
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


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    key = key_named(keys, reading.id)
    got = _answers(reading)
    serial = reading.id.removeprefix(PREFIX)
    shown = show(serial, NAME)
    if _SERIAL.fullmatch(serial):
        title = f"Device {shown}"
        name = f"The preassignment of {shown}"
        verdict = (
            (None if key.type == "string" else wrong_type(reading.id, _CODE, name, key, ("hash",)))
            or no_expiry(reading.id, _CODE, name, key, Severity.WARNING, _FOR_EVER)
            or too_long(reading, _CODE, name, key.expiry, _RULE, _LATE)
            or _WAITING
        )
    else:
        title = show(reading.id, NAME)
        verdict = malformed(reading.id, _CODE, title, "mdm:apple:preassign:<serial>")
    fields = _fields(key, got)
    cells = (show(serial, CELL), *map(fields.get, _FIELDS), key.expiry if key.exists else None)
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
    follow=_follow,
    sort=("serial", False),
)

"""What may be done to a queue, a LIST or a STREAM with consumer groups. Pure.

A choice of a consumer is written `group<TAB>consumer`, both as `text.show` writes them, which escapes tabs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.drafting import flush, gone, present, removal
from fleetcache_gui.domain.family import Verb
from fleetcache_gui.domain.flow import Flow
from fleetcache_gui.domain.plan import Deed, Draft
from fleetcache_gui.domain.streams import order
from fleetcache_gui.domain.text import parse, show
from fleetcache_gui.domain.verbs import Choice, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fleetcache_gui.domain.family import Row
    from fleetcache_gui.domain.streams import Consumer, Group

_KEPT = "1000"  # entries that are offered to be kept
_POSITIONS = re.compile(r"\s*([0-9]{1,12})(?:\s*[-–]\s*([0-9]{1,12}))?\s*")
_IDLE = (("all of them", 0), ("delivered over a minute ago", 60_000), ("delivered over 10 minutes ago", 600_000))
_OPTIONS = 60
"""Choices that are offered at most: with more consumers than that nobody finds one in a list."""

_LOST = "What waits in the entries that go never reaches Fleet's database, until the hosts send it again."
_STAYS = "Entries that come after this plan was made stay, and workers are not held up."
_BACK = "Undo puts them back at the old end, in their order: workers take them next."
_NEW_IDS = "Undo puts them back at the new end under new ids: a stream takes no entry before its last."
_DANGLING = "Those that a worker has not acknowledged yet are gone for it too."


# ---- what a row is ----------------------------------------------------------------------------------------------


def _kind(row: Row) -> str:
    return next((key.type for key in present(row) if key.name == row.id), "none")


def _groups(row: Row) -> tuple[Group, ...]:
    return (row.memory.load.groups or ()) if isinstance(row.memory, Flow) else ()


def _members(rows: Sequence[Row]) -> Iterator[tuple[Group, Consumer]]:
    for row in rows:
        for group in _groups(row):
            for member in group.members:
                yield group, member


def _waits(row: Row, now: float) -> Refusal | None:
    empty = isinstance(row.memory, Flow) and row.memory.load.length == 0
    return gone(row, now) or (Refusal("It is empty.") if empty else None)


# ---- lengths and ranges -----------------------------------------------------------------------------------------


def _kept(_rows: Sequence[Row]) -> Choice:
    return Choice("How many of the newest entries stay?", start=_KEPT, check=_number)


def _number(text: str) -> str:
    fits = text.strip().isascii() and text.strip().isdigit() and 0 < len(text.strip()) <= 12
    return "" if fits else "Give a whole number, such as 1000."


def _trim(row: Row, choice: str) -> tuple[Draft, ...]:
    stay = b"%d" % int(choice or "0")
    return (Draft(Deed.TRIM, row.id, "the oldest entries of the queue", _kind(row), args=(stay,)),)


def _clear(row: Row, _choice: str) -> tuple[Draft, ...]:
    return _trim(row, "0")


def _positions(_rows: Sequence[Row]) -> Choice:
    return Choice("Which positions, as the value counts them? 0 is the newest", start="0-0", check=_range)


def _range(text: str) -> str:
    found = _POSITIONS.fullmatch(text)
    if found is None or int(found[2] or found[1]) < int(found[1]):
        return "Give one position or two, the smaller first, such as 10-19."
    return ""


def _drop(row: Row, choice: str) -> tuple[Draft, ...]:
    found = _POSITIONS.fullmatch(choice)
    if found is None or _kind(row) != "list":
        return ()
    args = tuple(b"%d" % int(word) for word in (found[1], found[2] or found[1]))
    return (Draft(Deed.DROP_RANGE, row.id, "entries of the queue", "list", args=args),)


def _ids(_rows: Sequence[Row]) -> Choice:
    return Choice("Which ids, from the first to the last, with a blank between them?", check=_two_ids)


def _two_ids(text: str) -> str:
    try:
        ends = [order(word.encode()) for word in text.split()]
    except (ValueError, UnicodeEncodeError):
        ends = []
    if len(ends) not in (1, 2) or ends[0] > ends[-1]:
        return "Give one id or two, the smaller first, such as 1700000000000-0 1700000000999-0."
    return ""


def _delete(row: Row, choice: str) -> tuple[Draft, ...]:
    if _two_ids(choice) or _kind(row) != "stream":
        return ()
    ends = choice.encode().split()
    args = tuple(b"%d-%d" % order(end) for end in (ends[0], ends[-1]))
    return (Draft(Deed.DROP_RANGE, row.id, "entries of the queue", "stream", args=args),)


# ---- consumers --------------------------------------------------------------------------------------------------


def _value(*names: bytes) -> str:
    return "\t".join(map(show, names))


def _names(choice: str) -> list[bytes]:
    return [parse(word) for word in choice.split("\t")]


def _named(group: Group, member: Consumer, many: bool) -> str:
    return f"{member.name} of {group.name}" if many else member.name


def _holders(row: Row, now: float) -> Refusal | None:
    if any(member.pending for _, member in _members((row,))):
        return gone(row, now)
    listed = all(group.members or not group.pending for group in _groups(row))
    return gone(row, now) or Refusal(
        "Nothing is pending." if listed else "Its group has too many consumers to be listed."
    )


def _acks(rows: Sequence[Row]) -> Choice:
    found, many = list(_members(rows)), any(len(_groups(row)) > 1 for row in rows)
    options = [
        (f"{_named(group, member, many)}: {label} ({words.count(member.pending)} pending)", f"{value}\t{least}")
        for group, member in found
        if member.pending and (value := _value(group.raw, member.raw))
        for label, least in _IDLE
    ]
    return Choice("Which pending entries are done?", tuple(options[:_OPTIONS]))


def _ack(row: Row, choice: str) -> tuple[Draft, ...]:
    group, consumer, least = _names(choice)
    what = f"entries pending for {show(consumer, 40)}"
    return (Draft(Deed.ACK, row.id, what, "stream", args=(group, consumer, least)),)


def _claims(rows: Sequence[Row]) -> Choice:
    found, many = list(_members(rows)), any(len(_groups(row)) > 1 for row in rows)
    options = [
        (
            f"{words.count(holder.pending)} pending for {_named(group, holder, many)} to {other.name}",
            _value(group.raw, holder.raw, other.raw),
        )
        for group, holder in found
        if holder.pending
        for group_too, other in found
        if group_too is group and other is not holder
    ]
    return Choice("From which consumer to which?", tuple(options[:_OPTIONS]))


def _claimable(row: Row, now: float) -> Refusal | None:
    if refusal := _holders(row, now):
        return refusal
    if _claims((row,)).options:
        return None
    return Refusal("There is no other consumer to claim for: start another worker, or acknowledge the entries.")


def _claim(row: Row, choice: str) -> tuple[Draft, ...]:
    group, holder, other = _names(choice)
    what = f"entries pending for {show(holder, 40)}"
    return (Draft(Deed.CLAIM, row.id, what, "stream", args=(group, holder, other)),)


def _idlers(rows: Sequence[Row]) -> Choice:
    found, many = list(_members(rows)), any(len(_groups(row)) > 1 for row in rows)
    options = [
        (
            f"{_named(group, member, many)}, idle {words.duration(member.idle)}",
            _value(group.raw, member.raw),
        )
        for group, member in sorted(found, key=lambda pair: -pair[1].idle)
        if not member.pending
    ]
    return Choice("Which consumer?", tuple(options[:_OPTIONS]))


def _removable(row: Row, now: float) -> Refusal | None:
    if refusal := gone(row, now):
        return refusal
    found = list(_members((row,)))
    if not found:
        return Refusal("It has no consumers that could be listed.")
    if all(member.pending for _, member in found):
        group, member = max(found, key=lambda pair: pair[1].idle)
        entries = words.count(member.pending, "entry is", "entries are")
        text = f"{entries} pending for {member.name} of {group.name}, and for each other consumer some."
        return Refusal(f"{text} Claim them for another consumer or acknowledge them first.")
    return None


def _forget(row: Row, choice: str) -> tuple[Draft, ...]:
    group, consumer = _names(choice)
    what = f"the consumer {show(consumer, 40)} of {show(group, 40)}"
    return (Draft(Deed.DELETE_CONSUMER, row.id, what, "stream", args=(group, consumer)),)


def _given(row: Row, now: float) -> Refusal | None:
    if any(order(group.delivered) > (0, 0) for group in _groups(row)):
        return gone(row, now)
    return gone(row, now) or Refusal("No group was given anything yet.")


def _starts(rows: Sequence[Row]) -> Choice:
    known = [group.raw for row in rows for group in _groups(row)]

    def check(text: str) -> str:
        try:
            start, group = text.strip().split(" ", 1)
            order(start.encode())
            fits = parse(group) in known
        except ValueError:
            fits = False
        names = ", ".join(show(name, 40) for name in known)
        return "" if fits else f"Give an id, a blank and the group, such as 1700000000000-0 {names}."

    return Choice("After which id, and by which group?", start=f"0-0 {show(known[0]) if known else ''}", check=check)


def _replay(row: Row, choice: str) -> tuple[Draft, ...]:
    start, name = choice.strip().split(" ", 1)
    group, args = parse(name), b"%d-%d" % order(start.encode())
    return (Draft(Deed.REPLAY, row.id, f"the group {show(group, 40)}", "stream", args=(group, args)),)


def _sound(row: Row) -> bool:
    return _kind(row) in ("none", "list", "stream")


def verbs(key: bytes) -> tuple[Verb, ...]:
    """What may be done to the queue `key`, and to other keys that stand beside it by mistake."""

    def other(row: Row) -> bool:
        return row.id == key and _sound(row)

    def everything(row: Row, _choice: str) -> tuple[Draft, ...]:
        return _clear(row, "") if other(row) else removal(row)

    def only(kind: str) -> Callable[[Row], bool]:
        return lambda row: row.id != key or _kind(row) != kind

    return (
        Verb(
            "trim",
            "Trim queue…",
            "Trim {}",
            _trim,
            (_LOST, _STAYS, _BACK),
            fits=_waits,
            hidden=only("list"),
            choice=_kept,
        ),
        Verb("clear", "Clear queue…", "Clear {}", _clear, (_LOST, _STAYS, _BACK), fits=_waits, hidden=only("list")),
        Verb(
            "drop",
            "Drop entries…",
            "Drop entries from {}",
            _drop,
            (_LOST, "They go only if exactly these stand there in this order; the others stay.", _BACK),
            fits=_waits,
            hidden=only("list"),
            choice=_positions,
        ),
        *_of_streams(only("stream")),
        Verb(
            "remove",
            "Remove key…",
            "Remove {}",
            removal,
            ("Fleet's workers cannot use what is stored there: nothing that they wait for is lost.",),
            fits=gone,
            hidden=other,
        ),
        flush("host_queue", "entries of the host queue", everything, _LOST, _STAYS, _BACK),
    )


def _of_streams(hidden: Callable[[Row], bool]) -> tuple[Verb, ...]:
    lost = (_LOST, _STAYS, _DANGLING, _NEW_IDS)
    return (
        Verb("trim-stream", "Trim queue…", "Trim {}", _trim, lost, fits=_waits, hidden=hidden, choice=_kept),
        Verb("clear-stream", "Clear queue…", "Clear {}", _clear, lost, fits=_waits, hidden=hidden),
        Verb(
            "delete",
            "Delete entries…",
            "Delete entries from {}",
            _delete,
            (_LOST, _DANGLING, _NEW_IDS),
            fits=_waits,
            hidden=hidden,
            choice=_ids,
        ),
        Verb(
            "acknowledge",
            "Acknowledge entries…",
            "Acknowledge entries of {}",
            _ack,
            (
                "Fleet takes these entries for done: what they hold is not written any more, unless it was.",
                "Undo makes them pending again for the same consumer, as often delivered as before.",
            ),
            fits=_holders,
            hidden=hidden,
            choice=_acks,
        ),
        Verb(
            "claim",
            "Claim entries…",
            "Claim entries of {}",
            _claim,
            (
                "The other worker has to ask for its pending entries to work on them; it does so when it starts.",
                "If the first one lives and is at work on them after all, they are written twice.",
                "Undo gives back those that the other worker has not been given since.",
            ),
            fits=_claimable,
            hidden=hidden,
            choice=_claims,
        ),
        Verb(
            "forget",
            "Remove consumer…",
            "Remove a consumer of {}",
            _forget,
            ("Nothing is lost: nothing is pending for it. A worker of that name that runs comes back by itself.",),
            fits=_removable,
            hidden=hidden,
            choice=_idlers,
        ),
        Verb(
            "replay",
            "Replay entries…",
            "Replay entries of {}",
            _replay,
            (
                "Workers are given every entry after that id again, also those that are done: they write them again.",
                "Undo sets the group back to where it was, as long as no worker has been given anything since."
                " What was given out again cannot be taken back.",
            ),
            fits=_given,
            hidden=hidden,
            choice=_starts,
            grave=True,
        ),
    )

"""The steps of "Test connection", each told as it ends: what works, what does not, how long it took.

A password is sent once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from fleetcache_gui import clock
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import ReplyError
from fleetcache_gui.redis_io import acl, info, sentinel
from fleetcache_gui.redis_io.dial import Stage, dial
from fleetcache_gui.redis_io.faults import ENOUGH, Fault, Trouble
from fleetcache_gui.redis_io.lane import Lane, encode, greeting, welcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fleetcache_gui.domain.values import Command, Reply
    from fleetcache_gui.redis_io.address import Address

TITLES = {
    "sentinel": "Sentinel",
    "tunnel": "SSH tunnel",
    "dns": "Name",
    "tcp": "Connection",
    "tls": "TLS",
    "auth": "Login",
    "select": "Database",
    "ping": "Answer",
    "rights": "Permissions",
}
"""Titles by step, in their order."""

_WORDS = {b"AUTH": "auth", b"SELECT": "select", b"PING": "ping"}

_PROBE = b"fleetcache-inspector:no-such-key"


class Outcome(Enum):
    """How a step ended."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """`text` and `advice` are whole sentences; `notes` are more of them, one for each thing that is missing."""

    id: str
    outcome: Outcome
    text: str
    advice: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def title(self) -> str:
        return TITLES[self.id]


async def check(address: Address, tell: Callable[[Step], None], samples: Sequence[bytes] = ()) -> bool:
    """Try it all, telling of each step as it ends; True where the program can work with it.

    `samples` are names such as keys would have, one for each use of the cache; none of them need exist.
    """
    course = _Course(tell)
    try:
        await _walk(address, course, samples)
    except Trouble as trouble:
        course.fail(trouble)
        return False
    return True


class _Course:
    """The steps that are left, and the one under way."""

    def __init__(self, tell: Callable[[Step], None]) -> None:
        self._left = list(TITLES)
        self._tell = tell
        self._now = ""
        self._since = 0.0
        self._why = {
            "sentinel": "The address is given, so no sentinel is asked.",
            "tunnel": "The server is reached without a tunnel.",
            "dns": "The SSH server looks up the name.",
            "tcp": "The SSH server makes the connection.",
            "tls": "TLS is not asked for: whoever sits between can read all of it, a password too.",
            "auth": "No user and no password are given.",
            "select": "It is database 0, so none is chosen.",
        }
        self.text = ""
        self.notes: tuple[str, ...] = ()

    def begin(self, step: str) -> None:
        """The step before has gone well; those between are skipped."""
        self.end()
        while (skipped := self._left.pop(0)) != step:
            self._tell(Step(skipped, Outcome.SKIPPED, self._why.get(skipped, "")))
        self._now, self._since, self.text, self.notes = step, clock.now(), "", ()

    def end(self) -> None:
        """The step under way has gone well."""
        if self._now:
            took = clock.now() - self._since
            self._tell(Step(self._now, Outcome.OK, self.text, notes=self.notes, seconds=took))
        self._now = ""

    def fail(self, trouble: Trouble) -> None:
        """The step under way has failed, and with it all that are left."""
        took = clock.now() - self._since
        self._tell(Step(self._now, Outcome.FAILED, trouble.text, trouble.advice, self.notes, took))
        for step in self._left:
            self._tell(Step(step, Outcome.SKIPPED, "Not reached."))


async def _walk(address: Address, course: _Course, samples: Sequence[bytes]) -> None:
    if address.sentinel is not None:
        course.begin("sentinel")
        service = show(address.sentinel.service.encode(), 40)
        address = await sentinel.resolve(address)
        course.text = f"The primary of {service} is {address}."
    texts = {
        Stage.TUNNEL: f"{address.tunnel} lets us through.",
        Stage.DNS: f"{address.host} is known.",
        Stage.TCP: f"{address} accepts connections.",
        Stage.TLS: "",
    }

    def told(stage: Stage) -> None:
        course.begin(stage.value)
        course.text = texts[stage]

    lane = Lane(await dial(address, told), address)
    if address.tls is not None:
        course.text = f"{lane.cipher}; " + (
            f"the certificate is valid for {address.tls.server_name or address.host}."
            if address.tls.verify
            else "the certificate is NOT VERIFIED: whoever sits between can read all of it, a password too."
        )
    try:
        await _greet(lane, course)
        course.begin("rights")
        await _rights(lane, course, samples)
        course.end()
    finally:
        await lane.close()


async def _greet(lane: Lane, course: _Course) -> None:
    address = lane.address
    texts = {
        "auth": f"Logged in as {show((address.username or 'default').encode(), 40)}.",
        "select": f"Database {address.database} is there.",
        "ping": "It answers as Redis does.",
    }
    for word in greeting(address):
        step = _WORDS[word[0]]
        course.begin(step)
        try:
            (reply,) = await lane.raw(encode(word), 1)
        except Trouble as trouble:
            raise await lane.explained(trouble) from None
        if trouble_met := welcome(word, reply, address):
            raise trouble_met
        course.text = texts[step]


async def _rights(lane: Lane, course: _Course, samples: Sequence[bytes]) -> None:
    """Each command that reading needs, tried on a key that does not exist."""
    asked: list[Command] = [(word, key) for key in samples for word in (b"TYPE", b"PTTL")]
    asked += [(b"GETRANGE", key, b"0", b"0") for key in samples]
    answers = await lane.exchange(asked)
    closed = {command[1] for command, reply in zip(asked, answers, strict=True) if _is(acl.denies_key, reply)}
    probe = next((key for key in samples if key not in closed), _PROBE)
    replies = await lane.exchange([need.on(probe) for need in acl.READING])
    missing = []
    for need, reply in zip(acl.READING, replies, strict=True):
        if _is(acl.denies_command, reply):
            missing.append((need, f"The account may not use {need.name}: {need.without}."))
        elif _is(acl.unknown, reply):
            missing.append((need, f"The server has no {need.name}: {need.without}."))
    notes = [note for need, note in missing if need.name != "PING"]
    notes += [f"The account may not read keys such as {show(key, 60)}." for key in sorted(closed)]
    course.notes = tuple(notes)
    for need, note in missing:
        if need.vital:
            raise Trouble(Fault.PERMISSION, note, ENOUGH, final=True)
    told = replies[[need.name for need in acl.READING].index("INFO")]
    course.text = _server(told) + (" Everything that reading needs is allowed." if not notes else " What is missing:")


def _is(test: Callable[[ReplyError], bool], reply: Reply) -> bool:
    return isinstance(reply, ReplyError) and test(reply)


def _server(told: Reply) -> str:
    figures = info.fields(told)
    if not figures:
        return "The server does not say what it is."
    vitals = info.vitals(figures, 0.0, None)
    role = "a replica" if vitals.role == "slave" else "a primary"
    place = {"cluster": f", {role} of a cluster", "sentinel": ", a sentinel"}.get(vitals.mode, f", {role}")
    return f"{vitals.server_name} {vitals.version}{place}."

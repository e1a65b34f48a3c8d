"""What a server's answer to a step means. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Reply, ReplyError
from fleetcache_gui.redis_io.act import probes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.plan import Guard

UNSAVED = "unsaved"
"""It is not what was saved: save again, then send again. Nothing was done."""
STRANGE = "strange"
"""The server does not know the script: send its text. Nothing was done."""
MOVED = "moved"
"""Another node has the slot now. Nothing was done."""
ZERO = "zero"
"""The server's own compare-and-delete did nothing: the key is gone, or it has changed."""

WHAT = {
    "type": "it has another type now",
    "length": "its length has changed",
    "value": "its value has changed",
    "expiry": "its expiry has changed",
    "there": "it is there again already",
}
"""What is different, by the scripts' word for it."""

_ELSEWHERE = {"NOSCRIPT": STRANGE, "MOVED": MOVED, "ASK": MOVED}
_PASSING = {
    "TRYAGAIN": "its slot is moving to another node; plan again",
    "CLUSTERDOWN": "a part of the cluster is down; plan again when it is whole",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`outcome` is None where the answer leaves it open; `open_` then says why (one of the words above). `taken`:
    entries or members that it changed. `fatal`: what holds for every step that would come, as a sentence."""

    outcome: Outcome | None
    note: str = ""
    taken: int | None = None
    open_: str = ""
    fatal: str = ""


def hear(reply: Reply, guards: Sequence[Guard]) -> Verdict:
    """The verdict on one step. `guards`: those that its script held."""
    if isinstance(reply, ReplyError):
        return _error(reply)
    if reply == b"OK":
        return Verdict(Outcome.DONE)
    if isinstance(reply, int):
        return Verdict(Outcome.DONE) if reply else Verdict(None, open_=ZERO)
    if not isinstance(reply, list) or not reply or not isinstance(reply[0], bytes):
        return Verdict(Outcome.FAILED, "the server's answer was not understood")
    word = reply[0]
    more = reply[1].decode("ascii", "replace") if len(reply) > 1 and isinstance(reply[1], bytes) else ""
    if word == b"done":
        return Verdict(Outcome.DONE, taken=int(more) if more.isdigit() else None)
    if word == b"gone":
        return Verdict(Outcome.GONE)
    if word == b"unsaved":
        return Verdict(None, open_=UNSAVED)
    if word == b"guard" and more.isdigit() and int(more) < len(guards):
        return Verdict(Outcome.CHANGED, guards[int(more)].otherwise)
    return Verdict(Outcome.CHANGED, WHAT.get(more, "it has changed"))


def _error(error: ReplyError) -> Verdict:
    if error.code in _ELSEWHERE:
        return Verdict(None, open_=_ELSEWHERE[error.code])
    if error.code in _PASSING:
        return Verdict(Outcome.FAILED, _PASSING[error.code])
    if error.code == "BUSYKEY":
        return Verdict(Outcome.CHANGED, "the name is taken again; what is there was kept")
    if "payload version" in error.text or "Bad data format" in error.text:
        return Verdict(Outcome.FAILED, "this server is older than the one it was saved from, and cannot read it")
    if "WRONGTYPE" in error.text:
        return Verdict(Outcome.CHANGED, WHAT["type"])
    why = probes.reason(error.text, "these commands")
    if "may not" in why:
        return Verdict(Outcome.REFUSED, why)
    if why:
        return Verdict(Outcome.FAILED, why, fatal=why)
    code = show(error.code.encode("utf-8", "replace"), 20)
    return Verdict(Outcome.FAILED, f"the server answered with an error ({code})")

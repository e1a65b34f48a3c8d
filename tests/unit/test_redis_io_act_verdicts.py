"""What a server's answer to a step means."""

from __future__ import annotations

import pytest

from fleetcache_gui.domain.plan import Guard, Outcome
from fleetcache_gui.domain.values import Reply, ReplyError
from fleetcache_gui.redis_io.act.verdicts import MOVED, STRANGE, UNSAVED, ZERO, Verdict, hear

DONE, GONE, CHANGED = Outcome.DONE, Outcome.GONE, Outcome.CHANGED
GUARDS = (Guard(b"a", b"1", False, "it is active again"), Guard(b"b", None, False, "its SQL is still there"))


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (b"OK", Verdict(DONE)),
        (1, Verdict(DONE)),
        (0, Verdict(None, open_=ZERO)),
        ([b"done"], Verdict(DONE)),
        ([b"done", b"3"], Verdict(DONE, taken=3)),
        ([b"done", b"3x"], Verdict(DONE)),
        ([b"done", 3], Verdict(DONE)),
        ([b"gone"], Verdict(GONE)),
        ([b"unsaved"], Verdict(None, open_=UNSAVED)),
        ([b"guard", b"0"], Verdict(CHANGED, "it is active again")),
        ([b"guard", b"1"], Verdict(CHANGED, "its SQL is still there")),
        ([b"guard", b"2"], Verdict(CHANGED, "it has changed")),
        ([b"guard", b"-1"], Verdict(CHANGED, "it has changed")),
        ([b"guard"], Verdict(CHANGED, "it has changed")),
        ([b"changed", b"type"], Verdict(CHANGED, "it has another type now")),
        ([b"changed", b"length"], Verdict(CHANGED, "its length has changed")),
        ([b"changed", b"value"], Verdict(CHANGED, "its value has changed")),
        ([b"changed", b"expiry"], Verdict(CHANGED, "its expiry has changed")),
        ([b"changed", b"\xff"], Verdict(CHANGED, "it has changed")),
        ([b"what"], Verdict(CHANGED, "it has changed")),
        *((odd, Verdict(Outcome.FAILED, "the server's answer was not understood")) for odd in (None, [], [1], b"no")),
    ],
)
def test_answers(reply: Reply, verdict: Verdict) -> None:
    assert hear(reply, GUARDS) == verdict


FULL = "The server's memory is full."


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("NOSCRIPT No matching script.", Verdict(None, open_=STRANGE)),
        ("MOVED 3999 127.0.0.1:6381", Verdict(None, open_=MOVED)),
        ("ASK 3999 127.0.0.1:6381", Verdict(None, open_=MOVED)),
        ("TRYAGAIN Multiple keys", Verdict(Outcome.FAILED, "its slot is moving to another node; plan again")),
        (
            "CLUSTERDOWN Hash slot",
            Verdict(Outcome.FAILED, "a part of the cluster is down; plan again when it is whole"),
        ),
        ("BUSYKEY Target key", Verdict(CHANGED, "the name is taken again; what is there was kept")),
        (
            "ERR DUMP payload version or checksum are wrong",
            Verdict(Outcome.FAILED, "this server is older than the one it was saved from, and cannot read it"),
        ),
        (
            "ERR Bad data format",
            Verdict(Outcome.FAILED, "this server is older than the one it was saved from, and cannot read it"),
        ),
        ("WRONGTYPE Operation against", Verdict(CHANGED, "it has another type now")),
        ("NOPERM User bob has no permissions to run the 'eval' command",
         Verdict(Outcome.REFUSED, "The account may not use these commands.")),
        ("NOPERM User OOM has no permissions to access the 'lock:BUSY' key",
         Verdict(Outcome.REFUSED, "The account may not change these keys.")),
        ("OOM command not allowed when used memory > 'maxmemory'.", Verdict(Outcome.FAILED, FULL, fatal=FULL)),
        ("ERR <b>boo</b> of a kind", Verdict(Outcome.FAILED, "the server answered with an error (ERR)")),
        ("\u202e<img> x", Verdict(Outcome.FAILED, "the server answered with an error (\\u{202e}<img>)")),
    ],
)  # fmt: skip
def test_errors(text: str, verdict: Verdict) -> None:
    assert hear(ReplyError(text), GUARDS) == verdict


def test_what_holds_for_all_steps_to_come_ends_the_run() -> None:
    for word in ("READONLY", "MISCONF", "NOREPLICAS", "MASTERDOWN", "LOADING", "BUSY"):
        verdict = hear(ReplyError(f"{word} something"), ())
        assert (verdict.outcome, verdict.fatal) == (Outcome.FAILED, verdict.note)
        assert verdict.fatal.endswith(".")

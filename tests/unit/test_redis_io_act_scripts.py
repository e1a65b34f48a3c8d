"""How steps become commands. What the scripts do is tested on real servers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetcache_gui.domain.plan import Deed, Draft, Fingerprint, Guard, Step
from fleetcache_gui.redis_io.act import scripts

SEEN = Fingerprint("string", 3, "d" * 40, "dump")
LOCK = Step(Draft(Deed.REMOVE, b"lock:a", "Lock a", "string", b"tok", frozenset({"expiry"})), SEEN)
ACTIVE = Guard(b"active", b"1", False, "it is active again")
GUARDS = (ACTIVE, Guard(b"active", b"", True, "-"), Guard(b"sql", None, False, "-"), Guard(b"sql", None, True, "-"))


def test_the_servers_own_command_compares_the_whole_value() -> None:
    assert scripts.native(LOCK, b"DELIFEQ") == (b"DELIFEQ", b"lock:a", b"tok")
    assert scripts.native(LOCK, b"DELEX") == (b"DELEX", b"lock:a", b"IFEQ", b"tok")
    empty = replace(LOCK, draft=replace(LOCK.draft, value=b""))
    assert scripts.native(empty, b"DELIFEQ") == (b"DELIFEQ", b"lock:a", b"")


@pytest.mark.parametrize(
    "step",
    [
        replace(LOCK, draft=replace(LOCK.draft, deed=Deed.EXPIRE)),
        replace(LOCK, draft=replace(LOCK.draft, value=None)),
        replace(LOCK, draft=replace(LOCK.draft, guards=(ACTIVE,))),
        replace(LOCK, seen=replace(SEEN, expires_ms=-1)),
        replace(LOCK, seen=replace(SEEN, expires_ms=0)),
    ],
    ids=["another-deed", "value-not-known", "guarded", "without-expiry", "with-an-expiry"],
)
def test_it_is_not_used_where_it_would_compare_less(step: Step) -> None:
    assert scripts.native(step, b"DELIFEQ") is None


def test_it_is_not_used_where_there_is_none() -> None:
    assert scripts.native(LOCK, b"") is None


def test_conditions() -> None:
    assert scripts.condition(SEEN) == [b"string", b"3", b"d" * 40, b"dump", b""]
    assert scripts.condition(Fingerprint("set", None, "", "", -1)) == [b"set", b"", b"", b"", b"-1"]
    assert scripts.condition(Fingerprint("odd\udcff", 0, "", "", 0)) == [b"odd\xff", b"0", b"", b"", b"0"]


def test_guards() -> None:
    assert scripts.guard_words(GUARDS) == [b"out", b"1", b"in", b"", b"absent", b"", b"there", b""]


def test_scripts_take_keys_and_values_as_keys_and_arguments() -> None:
    script, keys, args = scripts.changing(LOCK, GUARDS, b"s" * 40, 77)
    assert script is scripts.REMOVE
    assert keys == [b"lock:a", b"active", b"active", b"sql", b"sql"]
    assert args[:7] == [b"string", b"3", b"d" * 40, b"dump", b"", b"s" * 40, b"77"]
    assert args[7:] == scripts.guard_words(GUARDS)
    assert scripts.changing(LOCK, ())[2][5:] == [b"", b""]
    drop = Step(Draft(Deed.DROP_MEMBER, b"active", "-", args=(b"1", b"\xff")), Fingerprint("set"))
    assert scripts.changing(drop, GUARDS[:1]) == (
        scripts.DROP_MEMBER,
        [b"active", b"active"],
        [b"set", b"", b"", b"", b"", b"2", b"1", b"\xff", b"out", b"1"],
    )
    expire = Step(Draft(Deed.EXPIRE, b"k", "-", args=(b"60000",)), Fingerprint("string", expires_ms=-1))
    script, keys, args = scripts.changing(expire, (), ends=99)
    assert (script, keys, args[4:]) == (scripts.EXPIRE, [b"k"], [b"-1", b"99"])


def test_an_expiry_without_an_end_would_delete() -> None:
    expire = Step(Draft(Deed.EXPIRE, b"k", "-", args=(b"60000",)), Fingerprint("string"))
    with pytest.raises(AssertionError):
        scripts.changing(expire, ())


def test_others_have_runners_of_their_own() -> None:
    with pytest.raises(AssertionError, match="FLUSH has a runner"):
        scripts.changing(Step(Draft(Deed.FLUSH, b"", "-"), Fingerprint("")), ())


def test_calls() -> None:
    script = scripts.Script.of("return 1")
    assert script.call((b"k",), (b"a",)) == (b"EVALSHA", script.sha, b"1", b"k", b"a")
    assert script.call((), (), whole=True) == (b"EVAL", b"return 1", b"0")
    assert script.sha == b"e0e1f9fabfc9d4800c877a703b823ac0578ff8db"

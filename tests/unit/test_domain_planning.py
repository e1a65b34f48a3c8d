"""How plans are put into words, and what they ask for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fleetcache_gui.domain import planning
from fleetcache_gui.domain.family import Row, Verb
from fleetcache_gui.domain.plan import Deed, Draft, Fingerprint, Step, Strictness
from fleetcache_gui.domain.values import State
from fleetcache_gui.families.spec import locks, rate_limits

PRESS, TYPE, HOLD = Strictness.PRESS, Strictness.TYPE, Strictness.HOLD


def step(deed: Deed = Deed.REMOVE, *, count: int = 1, saved: bool = True) -> Step:
    return Step(Draft(deed, b"k", "k"), Fingerprint("string"), 10, saved=saved, count=count)


@pytest.mark.parametrize(
    ("steps", "environment", "grave", "asked"),
    [
        ([step()], "", False, PRESS),
        ([step()], "STAGING", False, PRESS),
        ([step()], "PRODUCTION", False, TYPE),
        ([step()], "production", False, TYPE),
        ([step()], "", True, TYPE),
        ([step(saved=False)], "", False, TYPE),
        ([step(), step(saved=False)], "", False, TYPE),
        ([step()] * 100, "", False, PRESS),
        ([step()] * 101, "", False, TYPE),
        ([step(count=101)], "", False, TYPE),
        ([step(Deed.FLUSH)], "", False, HOLD),
        ([step(), step(Deed.FLUSH)], "PRODUCTION", True, HOLD),
        ([], "", False, PRESS),
    ],
)
def test_strictness_follows_harm_and_environment(
    steps: list[Step], environment: str, grave: bool, asked: Strictness
) -> None:
    assert planning.strictness(steps, environment, grave=grave) is asked


@given(some.text(max_size=80), some.integers(0, 10**9))
def test_a_word_is_short_and_plain_whatever_the_name(name: str, number: int) -> None:
    word = planning.word_for(name, number)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])? \d+", word)
    assert word.endswith(f" {number}")


def test_a_word_names_the_connection() -> None:
    assert planning.word_for("prod-eu", 812) == "prod-eu 812"
    assert planning.word_for("Prod EU (10.0.0.5:6379)", 3) == "prod-eu-10-0-0-5-6379 3"
    assert planning.word_for("日本", 3) == "server 3"


def row(title: str) -> Row:
    return Row(b"k", "locks", title, (), State("held"), ())


def verb(words: str) -> Verb:
    return Verb("x", "X…", words, lambda row, choice: (), ())


def test_a_phrase_has_its_object() -> None:
    release, family = verb("Release {}"), locks.FAMILY
    assert planning.phrase(release, family, [row("Lock cron:vuln")], 1) == "Release lock cron:vuln"
    assert planning.phrase(release, family, [row("cron:vuln")], 1) == "Release cron:vuln"
    assert planning.phrase(release, family, [row("Lock a"), row("Lock b")], 2) == "Release 2 locks"
    assert planning.phrase(verb("Reset {}"), rate_limits.FAMILY, [], 0) == "Reset 0 counters"
    assert planning.button(release, family, 1) == "Release lock"
    assert planning.button(release, family, 1200) == "Release 1,200 locks"


def back(*steps: Step, full: bool = False) -> str:
    return planning.way_back(steps, full=full, kept="on disk", until="1 d")


def test_the_way_back_is_told_beforehand() -> None:
    saved, lost = step(), step(saved=False)
    assert back() == ""
    assert back(lost, lost) == "There is no way back: nothing of this can be put back."
    assert back(saved) == "Can be undone for 1 d. What goes is saved first, with its expiry, on disk."
    assert back(saved, lost, saved) == (
        "1 of 3 have no way back; the list marks them."
        " The rest can be undone for 1 d: it is saved first, with its expiry, on disk."
    )
    assert back(saved, full=True).endswith("The server's memory is full: until some is freed, nothing can be put back.")
    assert back(lost, full=True) == back(lost)

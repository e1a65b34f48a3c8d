"""What may be done to the host queue: when, with which choices, and which drafts come of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.flow import Flow
from fleetcache_gui.domain.plan import Deed
from fleetcache_gui.domain.planning import button, phrase
from fleetcache_gui.domain.streams import Consumer, Group, order
from fleetcache_gui.domain.verbs import Scope
from fleetcache_gui.families.spec.host_queue import FAMILY, KEY
from tests.readings import Server, Value

if TYPE_CHECKING:
    from fleetcache_gui.domain.family import Row, Verb

WORKERS = Group(
    "workers", 2, 5, 0, 20, 0, (Consumer("a", 5, 90.0, b"a"), Consumer("b", 0, 7.0, b"b")), None, b"workers", b"20-0"
)
VERBS = {verb.id: verb for verb in FAMILY.verbs}


def row(value: Value, *groups: Group, key: bytes = KEY) -> Row:
    source = Server(values={key: value})
    read = source.read(FAMILY, key)
    if groups and isinstance(read.memory, Flow):
        load = replace(read.memory.load, groups=groups)
        read = replace(read, memory=replace(read.memory, load=load))
    return read


def offered(of: Row) -> set[str]:
    return {verb.id for verb in FAMILY.verbs if verb.scope is Scope.ROWS and not verb.hidden(of)}


def refusal(verb: str, of: Row) -> str:
    found = VERBS[verb].fits(of, 0.0)
    return found.text if found else ""


def choices(verb: str, *rows: Row) -> dict[str, str]:
    choose = VERBS[verb].choice
    assert choose is not None
    return dict(choose(rows).options)


def checked(verb: str, of: Row, text: str) -> bool:
    choose = VERBS[verb].choice
    assert choose is not None
    return not choose((of,)).check(text)


def test_each_form_of_the_queue_has_verbs_of_its_own() -> None:
    assert offered(row([b"x"])) == {"trim", "clear", "drop"}
    streams = {"trim-stream", "clear-stream", "delete", "acknowledge", "claim", "forget", "replay"}
    assert offered(row(5)) == streams
    assert offered(row(b"a string")) == {"remove"}
    assert offered(row([b"x"], key=b"async_host:other")) == {"remove"}
    assert offered(row(None)) == set()


def test_a_key_that_is_no_queue_is_removed_as_a_whole() -> None:
    (draft,) = VERBS["remove"].drafts(row(b"a string"), "")
    assert (draft.deed, draft.key, draft.type) == (Deed.REMOVE, KEY, "string")


@pytest.mark.parametrize("verb", FAMILY.verbs, ids=lambda verb: verb.id)
def test_titles_and_phrases_read_well(verb: Verb) -> None:
    assert verb.title.endswith("…")
    assert phrase(verb, FAMILY, (row([b"x"]),), 1).endswith("Host queue")
    assert button(verb, FAMILY, 1).split()[0] == verb.title.split()[0]
    assert all(sentence.endswith(".") for sentence in verb.consequence)


def test_trimming() -> None:
    assert [checked("trim", row([b"x"]), text) for text in ("1000", "0", "-1", "", "1e3", "١", "9" * 13)] == [
        True,
        True,
    ] + [False] * 5
    (draft,) = VERBS["trim"].drafts(row([b"x"] * 3), "2")
    assert (draft.deed, draft.key, draft.type, draft.args) == (Deed.TRIM, KEY, "list", (b"2",))
    (draft,) = VERBS["clear-stream"].drafts(row(3), "")
    assert (draft.type, draft.args) == ("stream", (b"0",))
    assert refusal("clear", row(None)) == "It is no longer in Redis."
    assert refusal("clear-stream", row(0)) == "It is empty."
    assert refusal("trim", row([b"x"])) == ""


def test_a_range_of_positions() -> None:
    sound = {"3": (b"3", b"3"), "10-19": (b"10", b"19"), " 0 – 4 ": (b"0", b"4")}
    for text, args in sound.items():
        assert checked("drop", row([b"x"]), text)
        assert VERBS["drop"].drafts(row([b"x"]), text)[0].args == args
    for text in ("", "-1", "5-4", "a", "1-2-3", "1,5"):
        assert not checked("drop", row([b"x"]), text)
        assert text == "5-4" or VERBS["drop"].drafts(row([b"x"]), text) == ()


def test_a_range_of_ids() -> None:
    sound = {"5": (b"5-0", b"5-0"), "5-1 7-0": (b"5-1", b"7-0"), f"0 {2**64 - 1}-{2**64 - 1}": None}
    for text, args in sound.items():
        assert checked("delete", row(9), text)
        (draft,) = VERBS["delete"].drafts(row(9), text)
        assert args is None or draft.args == args
    for text in ("", "-", "+", "7-0 5-0", "1 2 3", "x-0", "5-", f"{2**64}-0", "١-0"):
        assert not checked("delete", row(9), text)
        assert VERBS["delete"].drafts(row(9), text) == ()


def test_acknowledging() -> None:
    queue = row(20, WORKERS)
    options = choices("acknowledge", queue)
    assert list(options) == [
        "a: all of them (5 pending)",
        "a: delivered over a minute ago (5 pending)",
        "a: delivered over 10 minutes ago (5 pending)",
    ]
    (draft,) = VERBS["acknowledge"].drafts(queue, list(options.values())[1])
    assert (draft.deed, draft.args) == (Deed.ACK, (b"workers", b"a", b"60000"))
    done = replace(WORKERS, pending=0, members=(Consumer("a", 0, 1.0, b"a"),))
    assert refusal("acknowledge", row(20, done)) == "Nothing is pending."
    assert "too many consumers" in refusal("acknowledge", row(20, replace(WORKERS, members=())))


def test_claiming() -> None:
    queue = row(20, WORKERS)
    options = choices("claim", queue)
    assert list(options) == ["5 pending for a to b"]
    (draft,) = VERBS["claim"].drafts(queue, options["5 pending for a to b"])
    assert (draft.deed, draft.args) == (Deed.CLAIM, (b"workers", b"a", b"b"))
    alone = row(20, replace(WORKERS, members=WORKERS.members[:1]))
    assert refusal("claim", alone).startswith("There is no other consumer")
    assert refusal("claim", queue) == ""


def test_names_that_would_be_taken_for_something_else() -> None:
    odd = b"a\tb\xff \n"
    group = replace(WORKERS, raw=b"g\t", members=(Consumer("odd", 5, 1.0, odd), Consumer("b", 0, 1.0, b"b")))
    queue = row(20, group, replace(WORKERS, raw=b"other"))
    first = next(iter(choices("acknowledge", queue).items()))
    assert first[0].startswith("odd of workers: ")
    assert VERBS["acknowledge"].drafts(queue, first[1])[0].args == (b"g\t", odd, b"0")


def test_a_consumer_is_removed_when_nothing_is_pending_for_it() -> None:
    queue = row(20, WORKERS)
    assert choices("forget", queue) == {"b, idle 7.0 s": "workers\tb"}
    assert VERBS["forget"].drafts(queue, "workers\tb")[0].args == (b"workers", b"b")
    busy = row(20, replace(WORKERS, members=WORKERS.members[:1]))
    text = refusal("forget", busy)
    assert "5 entries are pending for a of workers" in text
    assert text.endswith("Claim them for another consumer or acknowledge them first.")
    assert refusal("forget", row(20, replace(WORKERS, members=()))) == "It has no consumers that could be listed."


def test_replaying() -> None:
    queue = row(20, WORKERS)
    for text, sound in {
        "0-0 workers": True,
        "5 workers": True,
        "0-0": False,
        "x workers": False,
        "0-0 no": False,
    }.items():
        assert checked("replay", queue, text) is sound
    (draft,) = VERBS["replay"].drafts(queue, "5 workers")
    assert (draft.deed, draft.args, VERBS["replay"].grave) == (Deed.REPLAY, (b"workers", b"5-0"), True)
    assert refusal("replay", row(20, replace(WORKERS, delivered=b"0-0"))) == "No group was given anything yet."


def test_ids_in_order() -> None:
    assert order(b"5") == (5, 0)
    assert order(b"10-2") > order(b"9-30")
    for odd in (b"", b"-1", b"a-0", b"1-2-3", b"%d-0" % 2**64):
        with pytest.raises(ValueError, match="not the id"):
            order(odd)

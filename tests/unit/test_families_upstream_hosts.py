"""Host tasks, hosts, host cache and failing policies of an upstream server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.family import Expected, Reading, Severity
from fleetcache_gui.families.upstream import host_cache, host_tasks, hosts, policies
from tests.readings import START, WALL, Server, cell, codes, refused, texts

if TYPE_CHECKING:
    from fleetcache_gui.domain.family import Row
    from tests.readings import Value

TASKS, HOSTS, CACHE, POLICIES = host_tasks.FAMILY, hosts.FAMILY, host_cache.FAMILY, policies.FAMILY
LABELS = b"label_membership:active_host_ids"
WEEK = host_tasks.WEEK
KEY = b"c2VjcmV0LW5vZGUta2V5LW9mLWE="
NK = b"fleet:hostcache:v1:nk:" + KEY


# ---- host tasks


def backlog(ago: float, hosts_: int = 2) -> Server:
    return Server({LABELS: tuple((b"%d" % n, int(WALL - ago) + n) for n in range(hosts_))})


@pytest.mark.parametrize(
    ("ago", "found"),
    [
        (5, {}),
        (host_tasks.LATE - 1, {}),
        (host_tasks.LATE, {"hosttask.backlog": Severity.WARNING}),
        (host_tasks.STUCK, {"hosttask.backlog": Severity.CRITICAL}),
        (-50, {}),
    ],
)
def test_reports_that_wait(ago: float, found: dict[str, Severity]) -> None:
    row = backlog(ago).read(TASKS, LABELS)
    assert codes(row) == found
    assert row.cells[:3] == ("Label membership", 2, max(float(ago), 0.0))
    assert row.state.word == ("behind" if found else "flowing")


def test_a_task_with_nothing_to_do() -> None:
    before = backlog(5).read(TASKS, LABELS)
    row = Server().read(TASKS, LABELS, before)
    assert (row.state.word, cell(TASKS, row, "waiting"), row.judgements) == ("idle", 0, ())


@pytest.mark.parametrize("score", [b"inf", b"nan", b"-inf", b"", b"\xff"])
def test_odd_scores_are_no_times(score: bytes) -> None:
    server = backlog(5)
    server.special = {(b"ZRANGE", LABELS, b"0", b"0", b"WITHSCORES"): [b"7", score]}
    row = server.read(TASKS, LABELS)
    assert (cell(TASKS, row, "oldest"), row.judgements) == (None, ())


def test_hosts_seen_and_a_run_that_hangs() -> None:
    seen, busy = host_tasks.SEEN, host_tasks.PROCESSING
    assert TASKS.row_of(busy) == seen
    server = Server({seen: {b"1", b"2"}, busy: {b"3"}}, {seen: WEEK - 3, busy: WEEK - 30})
    row = server.read(TASKS, seen)
    assert (row.cells[:4], row.judgements) == (("Hosts seen", 2, 30.0, 1), ())
    server.left[busy] = WEEK - host_tasks.LATE
    row = server.read(TASKS, seen)
    assert codes(row) == {"hosttask.processing": Severity.WARNING}
    assert row.judgements[0].text == "A run has been writing 1 host that reported for 5 min 00 s."


def test_tasks_in_disorder() -> None:
    server = backlog(5)
    server.left[LABELS] = 60.0
    assert codes(server.read(TASKS, LABELS)) == {"hosttask.ttl": Severity.WARNING}
    assert codes(Server({LABELS: {b"1"}}).read(TASKS, LABELS)) == {"hosttask.wrong-type": Severity.CRITICAL}
    server = backlog(5)
    server.special = refused({(b"ZCARD", LABELS): None, (b"ZRANGE", LABELS, b"0", b"0", b"WITHSCORES"): None})
    row = server.read(TASKS, LABELS)
    assert (row.state.word, row.judgements) == ("not read", ())


def test_the_tab_tells_the_longest_backlog() -> None:
    rows = (backlog(5, 3).read(TASKS, LABELS), Server({host_tasks.SEEN: {b"1"}}).read(TASKS, host_tasks.SEEN))
    assert TASKS.weight(rows) == 3


# ---- hosts


def reported() -> Server:
    values: dict[bytes, Value] = {
        b"label_membership:{7}": ((b"1", 1), (b"2", -1)),
        b"label_membership_reported:{7}": b"%d" % int(WALL - 40),
        b"policy_pass:{7}": [b"1=1", b"2=-1", b"3=0"],
        b"scheduled_query_stats:{7}": {b"pack\0query": b"{}"},
        b"livequery:host:{7}": {b"41"},
    }
    return Server(values, dict.fromkeys(values, WEEK - 9))


def test_a_host() -> None:
    row = reported().read(HOSTS, b"7")
    assert row.cells[:4] == ("7", 1, 6, 40.0)
    assert (row.title, row.state.word, row.judgements) == ("Host 7", "waiting", ())
    assert row.why == "Kept for it: live queries, labels, policy results and query statistics."
    assert dict(row.facts) == {"Live queries": "1", "Labels": "2", "Policy results": "3", "Query statistics": "1"}
    assert len(HOSTS.keys_of(b"7")) == len(HOSTS.key_titles)


@pytest.mark.parametrize(
    ("kept", "word"),
    [
        ({b"livequery:host:{7}": {b"41"}}, "targeted"),
        ({b"policy_pass_reported:{7}": b"1700000000"}, "collected"),
        ({b"policy_pass:{7}": [b"1=1"]}, "waiting"),
    ],
)
def test_what_is_kept_of_a_host(kept: dict[bytes, Value], word: str) -> None:
    row = Server(kept, dict.fromkeys(kept, WEEK)).read(HOSTS, b"7")
    assert (row.state.word, row.judgements) == (word, ())


def test_hosts_in_disorder() -> None:
    server = reported()
    del server.left[b"policy_pass:{7}"]
    row = server.read(HOSTS, b"7")
    assert codes(row) == {"host.no-ttl": Severity.WARNING}
    assert row.judgements[0].text == "Host 7: the key of its policy results has no expiry."
    server.values[b"label_membership:{7}"] = b"x"
    assert codes(server.read(HOSTS, b"7")) == {"host.wrong-type": Severity.CRITICAL}
    assert list(codes(Server({b"policy_pass:{x}": b"y"}).read(HOSTS, b"policy_pass:{x}"))) == ["host.malformed"]


def test_among_too_many_a_row_is_one_key_and_says_which() -> None:
    key = b"policy_pass:{7}"
    row = HOSTS.decode(Reading(key, START, WALL, (reported().fact(key),)), None)
    assert (row.title, row.cells[0], row.judgements) == ("Host 7, policy results", "7, policy results", ())


# ---- host cache


def test_a_cached_host_is_masked() -> None:
    row = Server({NK: b'{"node_key":"' + KEY + b'"}'}, {NK: 60.0}).read(CACHE, NK)
    assert row.cells[:3] == ("Host by node key", "c2Vj…", 43)
    assert (row.title, row.state.word, row.judgements) == ("Host by node key c2Vj…", "cached", ())
    assert row.reveal == KEY.decode()
    assert CACHE.mask is not None
    assert CACHE.mask(NK) == "fleet:hostcache:v1:nk:c2Vj…"
    assert CACHE.mask(b"fleet:hostcache:v1:id2nk:7") == "fleet:hostcache:v1:id2nk:7"
    assert CACHE.mask(b"fleet:hostcache:v9:new:" + KEY) == "fleet:hostcache:v9:n…"


@pytest.mark.parametrize(
    ("key", "value", "left", "code"),
    [
        (NK, b"{}", None, "hostcache.no-ttl"),
        (NK, b"{}", 7200.0, "hostcache.long-ttl"),
        (NK, [b"x"], 60.0, "hostcache.wrong-type"),
        (b"fleet:hostcache:v1:id2nk:abc", b"x", 60.0, "hostcache.malformed"),
        (host_cache.ENROLLED, {b"1"}, 60.0, "hostcache.ttl"),
        (host_cache.ENROLLED, {b"1"}, None, None),
        (b"fleet:hostcache:v1:nk_miss:" + KEY, b"1", 5.0, None),
        (b"fleet:hostcache:v1:id2onk:7", KEY, 60.0, None),
    ],
)
def test_the_host_cache(key: bytes, value: Value, left: float | None, code: str | None) -> None:
    row = Server({key: value}, {} if left is None else {key: left}).read(CACHE, key)
    assert list(codes(row)) == ([code] if code else [])
    assert KEY.decode()[5:] not in texts(row)


def cached(copies: int, enrolled: int) -> tuple[Row, ...]:
    names = [b"fleet:hostcache:v1:nk:%d" % n for n in range(copies)]
    server = Server(dict.fromkeys(names, b"{}"), dict.fromkeys(names, 60.0))
    server.values[host_cache.ENROLLED] = {b"%d" % n for n in range(enrolled)}
    return tuple(server.read(CACHE, key) for key in server.values)


@pytest.mark.parametrize(("copies", "enrolled", "found"), [(105, 100, False), (106, 100, True), (3, 0, False)])
def test_more_copies_than_hosts(copies: int, enrolled: int, found: bool) -> None:
    rows = cached(copies, enrolled)
    judged = CACHE.survey(rows, len(rows), Expected())
    assert [judgement.code for judgement in judged] == ["hostcache.too-many"] * found


def test_more_keys_than_hosts_can_have_where_few_were_read() -> None:
    rows = cached(3, 100)
    assert CACHE.survey(rows, 420, Expected()) == ()
    (judgement,) = CACHE.survey(rows, 421, Expected())
    assert judgement.text == "The host cache has 421 keys for 100 enrolled hosts."
    assert CACHE.survey(rows[:3], 50, Expected(hosts=10)) != ()
    assert CACHE.survey(rows[:3], 50, Expected()) == ()


# ---- failing policies


def test_failing_policies() -> None:
    server = Server({b"policies:failing:7": {b"1,mac-1", b"2,mac-2"}, policies.INDEX: {b"7"}})
    row = server.read(POLICIES, b"7", listed=True)
    assert (row.cells[:2], row.state.word, row.judgements) == (("7", 2), "waiting", ())
    index = server.read(POLICIES, policies.INDEX)
    assert (index.state.word, dict(index.facts)) == ("index", {"Policies listed": "1"})
    assert POLICIES.weight((row, index)) == 1
    assert Server().read(POLICIES, b"8", listed=True).state.word == "sent"


def test_a_set_that_is_not_in_the_index() -> None:
    server = Server({b"policies:failing:7": {b"1,mac-1"}})
    row = server.read(POLICIES, b"7")
    assert codes(row) == {"policy.not-listed": Severity.WARNING}
    assert row.judgements[0].text == "Policy 7 is not in policies:failing_sets, and 1 host waits in its set."
    assert codes(server.read(POLICIES, b"7", listed=None)) == {}


def test_the_index_may_be_written_a_moment_after_the_set() -> None:
    server = Server({b"policies:failing:7": {b"1,mac-1"}})
    row = server.read(POLICIES, b"7", listed=True)
    server.at += 2
    row = server.read(POLICIES, b"7", row)
    assert row.judgements == ()
    server.at += 2
    assert codes(server.read(POLICIES, b"7", row)) == {"policy.not-listed": Severity.WARNING}


def test_policies_in_disorder() -> None:
    key = b"policies:failing:7"
    server = Server({key: {b"1,a"}}, {key: 60.0})
    assert codes(server.read(POLICIES, b"7", listed=True)) == {"policy.ttl": Severity.WARNING}
    assert codes(Server({key: b"x"}).read(POLICIES, b"7", listed=True)) == {"policy.wrong-type": Severity.CRITICAL}
    assert list(codes(Server({b"policies:failing:x": {b"1"}}).read(POLICIES, b"policies:failing:x"))) == [
        "policy.malformed"
    ]

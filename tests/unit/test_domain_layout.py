"""Which family a key belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcache_gui.domain.layout import Layout, present, together
from fleetcache_gui.families.layouts import BOTH, LAYOUTS, PINNED, elsewhere, shown
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.families.upstream import UPSTREAM
from tests.readings import Server

PREFIXES = [(family.id, prefix) for family in SPEC.families for prefix in family.prefixes]


@pytest.mark.parametrize(
    ("key", "family"),
    [
        (b"live_query:active", "live_queries"),
        (b"live_query:campaign:7:sql", "live_queries"),
        (b"live_query:campaign:abc:sql", "live_queries"),
        (b"live_query:\xff", "live_queries"),
        (b"lock:cron:vuln", "locks"),
        (b"lock:", "locks"),
        (b"async_host:detail", "host_queue"),
        (b"async_host:details", "host_queue"),
        (b"mdm:apple:preassign:C02", "preassign"),
        (b"mdm:apple:recon_cursor", "other"),
        (b"sw:installer:token:0c1f", "installer_tokens"),
        (b"rate_limit:login:::1", "rate_limits"),
        (b"cache:app_config", "config_cache"),
        (b"cache:team:x", "config_cache"),
        (b"cache:session", "other"),
        (b"", "other"),
        (b"xlock:a", "other"),
        (b"LOCK:a", "other"),
        (b"\nlock:a", "other"),
    ],
)
def test_keys_find_their_family(key: bytes, family: str) -> None:
    assert SPEC.families[SPEC.router(key)].id == family


@given(st.sampled_from(PREFIXES), st.binary(max_size=30))
def test_a_prefix_claims_all_that_begins_with_it(claim: tuple[str, bytes], rest: bytes) -> None:
    family, prefix = claim
    assert SPEC.families[SPEC.router(prefix + rest)].id == family


@given(st.binary(max_size=40))
def test_every_key_belongs_somewhere(key: bytes) -> None:
    claimed = [family for family, prefix in PREFIXES if key.startswith(prefix)]
    assert SPEC.families[SPEC.router(key)].id == (claimed[0] if claimed else "other")


def test_the_longest_prefix_wins() -> None:
    locks, other = SPEC.family("locks"), SPEC.family("other")
    special = type(locks)(
        **{name: getattr(locks, name) for name in locks.__slots__} | {"id": "x", "prefixes": (b"lock:x:",)}
    )
    layout = Layout("t", "t", (locks, special, other))
    assert [layout.router(key) for key in (b"lock:x:1", b"lock:x", b"l")] == [1, 0, 2]


def test_families_stand_in_the_order_of_the_specification() -> None:
    assert [family.tab for family in SPEC.families] == [
        "Live queries",
        "Locks",
        "Host queue",
        "Preassign",
        "Tokens",
        "Limits",
        "Config",
        "Other",
    ]
    assert SPEC.family("locks").id == "locks"
    with pytest.raises(KeyError):
        SPEC.family("nowhere")


# ---- several layouts


@pytest.mark.parametrize(
    ("key", "family"),
    [
        (b"livequery:active", "upstream_live_queries"),
        (b"livequery:{7}", "upstream_live_queries"),
        (b"sql:livequery:{7}", "upstream_live_queries"),
        (b"livequery:7", "upstream_live_queries"),
        (b"livequery:host:{7}", "upstream_hosts"),
        (b"label_membership:{7}", "upstream_hosts"),
        (b"label_membership_reported:{7}", "upstream_hosts"),
        (b"label_membership:active_host_ids", "upstream_host_tasks"),
        (b"{host_seen:host_ids}:processing", "upstream_host_tasks"),
        (b"calendar:lock:x", "upstream_locks"),
        (b"calendar:queue", "upstream_locks"),
        (b"calendar:mine", "other"),
        (b"locks:async_collector:{collect_x}", "upstream_locks"),
        (b"software_installer_token:x", "upstream_tokens"),
        (b"key_value_device_sso_session:x", "upstream_tokens"),
        (b"key_value_x", "upstream_store"),
        (b"{cfgetag}:gen", "upstream_store"),
        (b"policies:failing_sets", "upstream_policies"),
        (b"policies:failing:7", "upstream_policies"),
        (b"enrolled_hosts:host_ids", "upstream_host_cache"),
        (b"fleet:hostcache:v1:nk:x", "upstream_host_cache"),
        (b"mdm:preassign:C02", "upstream_mdm"),
        (b"mdm:apple:recon_cursor", "upstream_mdm"),
        (b"mdm:apple:preassign:C02", "other"),
        (b"ratelimit::x", "upstream_limits"),
        (b"ipbanner::{1.2.3.4}::count", "upstream_limits"),
        (b"error:{x}:json", "upstream_errors"),
        (b"error:x", "other"),
        (b"live_query:active", "other"),
    ],
)
def test_upstream_keys_find_their_family(key: bytes, family: str) -> None:
    assert UPSTREAM.families[UPSTREAM.router(key)].id == family
    if family != "other":
        assert BOTH.families[BOTH.router(key)].id == family
        assert not SPEC.claims(key)


@given(st.sampled_from(PREFIXES), st.binary(max_size=30))
def test_in_the_union_each_layout_keeps_its_keys(claim: tuple[str, bytes], rest: bytes) -> None:
    family, prefix = claim
    assert BOTH.families[BOTH.router(prefix + rest)].id == family
    assert not UPSTREAM.claims(prefix + rest)


def test_the_union_tells_its_tabs_apart() -> None:
    tabs, titles = [f.tab for f in BOTH.families], [f.title for f in BOTH.families]
    assert len(set(tabs)) == len(tabs) == len(set(titles)) == len(titles)
    assert {"Live queries (spec)", "Live queries (upstream)", "Host queue", "Host tasks", "Other"} <= set(tabs)
    assert (BOTH.id, BOTH.families[-1]) == ("both", UPSTREAM.families[-1])
    assert BOTH.parameters == UPSTREAM.parameters
    assert len({family.id for family in BOTH.families}) == len(BOTH.families)
    assert [f.tab for f in together(SPEC).families] == [f.tab for f in SPEC.families]


@pytest.mark.parametrize(
    ("keys", "found", "layout"),
    [
        ([], set(), "spec"),
        ([b"session:1", b"", b"\xff"], set(), "spec"),
        ([b"session:1", b"lock:x"], {"spec"}, "spec"),
        ([b"livequery:{7}"], {"upstream"}, "upstream"),
        ([b"lock:x", b"livequery:{7}"], {"spec", "upstream"}, "both"),
    ],
)
def test_layouts_are_told_from_the_names_of_keys(keys: list[bytes], found: set[str], layout: str) -> None:
    assert present(keys, LAYOUTS) == found
    assert shown(found).id == layout


def test_what_is_not_shown_is_elsewhere() -> None:
    assert elsewhere(SPEC) == (UPSTREAM,)
    assert elsewhere(UPSTREAM) == (SPEC,)
    assert elsewhere(BOTH) == ()


def test_known_keys_are_asked_for_by_name() -> None:
    assert {b"live_query:active", b"async_host:detail"} == set(SPEC.known)
    assert {b"livequery:active", b"policies:failing_sets", b"enrolled_hosts:host_ids"} < set(UPSTREAM.known)
    for layout in LAYOUTS:
        assert all(layout.claims(name) for name in layout.known)


def test_families_of_upstream_servers_stand_in_the_order_of_need() -> None:
    assert [family.tab for family in UPSTREAM.families] == [
        *("Live queries", "Host tasks", "Hosts", "Host cache", "Policies", "Locks"),
        *("MDM", "Tokens", "Limits", "Errors", "Store", "Other"),
    ]


SECRET = "0c1f9a3e-5b7d-4c2a-9e8f-1a2b3c4d5e6f"


@pytest.mark.parametrize(
    ("layout", "key", "title"),
    [
        ("spec", f"software_installer_token:{SECRET}", "software_installer_token:0c1f…"),
        ("spec", f"fleet:hostcache:v1:nk:{SECRET}", "fleet:hostcache:v1:nk:0c1f…"),
        ("spec", f"key_value_{SECRET}", "key_value_0c1f…"),
        ("spec", "livequery:{7}", "livequery:{7}"),
        ("spec", "session:1", "session:1"),
        ("spec", SECRET, SECRET),
        ("upstream", f"sw:installer:token:{SECRET}", "sw:installer:token:0c1f…"),
        ("upstream", SECRET, "0c1f…"),
        ("upstream", "lock:x", "lock:x"),
    ],
)
def test_credentials_of_a_layout_that_is_not_shown_are_masked(layout: str, key: str, title: str) -> None:
    family = PINNED[layout].families[-1]
    row = Server({key.encode(): b"{}"}, {key.encode(): 60.0}).read(family, key.encode())
    assert (row.title, row.cells[0]) == (title, title)
    assert family.mask is not None
    assert family.mask(key.encode()) == title
    assert row.reveal == ("" if title == key else SECRET)


def test_guarding_leaves_the_rest_of_a_layout_alone() -> None:
    assert PINNED["both"] is BOTH
    for layout in LAYOUTS:
        pinned = PINNED[layout.id]
        assert pinned.families[:-1] == layout.families[:-1]
        assert (pinned.id, pinned.parameters, pinned.judge) == (layout.id, layout.parameters, layout.judge)
        assert pinned.families[-1].columns == layout.families[-1].columns

"""Which family a key belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcache_gui.domain.layout import Layout
from fleetcache_gui.families.spec import SPEC

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

"""The keys of live queries, and which campaign each belongs to."""

from __future__ import annotations

import re

ACTIVE = b"live_query:active"

CAMPAIGN = re.compile(rb"[1-9][0-9]{0,18}")
_KEY = re.compile(rb"live_query:campaign:([1-9][0-9]{0,18}):(?:sql|hosts_completed)")


def sql_key(campaign: bytes) -> bytes:
    """STRING: the SQL of a campaign."""
    return b"live_query:campaign:" + campaign + b":sql"


def hosts_key(campaign: bytes) -> bytes:
    """SET: the hosts that have answered."""
    return b"live_query:campaign:" + campaign + b":hosts_completed"


def row_of(key: bytes) -> bytes:
    """The campaign of a key; a key that fits no pattern is a row of its own."""
    match = _KEY.fullmatch(key)
    return match[1] if match else key


def keys_of(row: bytes) -> tuple[bytes, ...]:
    """The keys behind a row, by their whole names: campaign 1 is never campaign 11."""
    if CAMPAIGN.fullmatch(row):
        return sql_key(row), hosts_key(row)
    # Anything else is a key of its own, or a stray member of the active set behind which there is no key.
    return (row,) if row.startswith(b"live_query:") else ()

"""Credentials and what guards them on an upstream Fleet server: whoever knows the name of such a key may use it.

`software_installer_token:<uuid>` (JSON, 10 min, used once), `key_value_device_sso_session:<id>` (JSON, days),
`sso:assertion:<id>` (a guard against replay), `acmenonce:<n>` (an hour), `pssononce:<n>` (5 min). Sign-ins in progress
have keys without any prefix: they are among the other keys. No text holds more of a credential than its first four
characters.
"""

from __future__ import annotations

import re

from fleetcache_gui.domain.decoding import Verdict
from fleetcache_gui.domain.drafting import single_keys
from fleetcache_gui.domain.family import Family, Rule, Severity
from fleetcache_gui.domain.kinds import KeyKind, Kinds
from fleetcache_gui.domain.values import State, Tone

_PREFIXES = (
    b"software_installer_token:",
    b"key_value_device_sso_session:",
    b"sso:assertion:",
    b"acmenonce:",
    b"pssononce:",
)
_DAYS = 86400.0
_USABLE = (
    "Whoever knows it can use it at any time: it never ends by itself.",
    "Remove the key; whoever needs it gets a new one.",
)
_TOO_LONG = (
    "If it leaks, it can be used for longer than it should.",
    "Check what wrote it; remove the key if nobody is about to use it.",
)


def _kind(word: str, prefix: bytes, longest: float, state: str, why: str) -> KeyKind:
    return KeyKind(
        word,
        re.compile(re.escape(prefix) + b"(.+)", re.DOTALL),
        f"{prefix.decode()}<…>",
        Verdict(State(state, Tone.OK), why),
        longest=longest,
        stays=_USABLE,
        late=_TOO_LONG,
        grave=Severity.CRITICAL,
        secret=True,
    )


KINDS = Kinds(
    "upstream_tokens",
    "token",
    (
        _kind("Installer token", _PREFIXES[0], 3600.0, "valid", "One download is allowed until its time ends."),
        _kind("Device session", _PREFIXES[1], 60 * _DAYS, "valid", "A device is signed in until its time ends."),
        _kind("SSO assertion", _PREFIXES[2], _DAYS, "used", "This sign-in was used, and cannot be used again."),
        _kind("ACME nonce", _PREFIXES[3], 7200.0, "valid", "A certificate may be asked for with it once."),
        _kind("PSSO nonce", _PREFIXES[4], 3600.0, "valid", "A Mac may sign in with it once."),
    ),
    _PREFIXES,
    secret=True,
)

FAMILY = Family(
    id=KINDS.family,
    title="Tokens and nonces",
    tab="Tokens",
    noun=("token", "tokens"),
    purpose="Tokens for downloads, sessions of devices, and nonces that are good once; a key appears when one is "
    "issued and goes when it is used, or when its time is up.",
    patterns=tuple(kind.written for kind in KINDS.kinds),
    prefixes=_PREFIXES,
    columns=KINDS.columns("Token", "The start of the token; the rest is a credential."),
    rule=Rule(frozenset({"string"}), "required", max(kind.longest for kind in KINDS.kinds)),
    decode=KINDS.decode,
    probes=KINDS.probes,
    secret=True,
    mask=KINDS.mask,
    private=True,
    sort=("kind", False),
    verbs=single_keys(
        KINDS.family,
        "tokens",
        title="Expire now…",
        phrase="Expire {} now",
        consequence="Whoever holds it is refused from now on, and asks for another.",
        flushed="Downloads, sessions of devices and sign-ins under way are refused; whoever needs one begins again.",
        ending="Afterwards it is refused.",
    ),
)

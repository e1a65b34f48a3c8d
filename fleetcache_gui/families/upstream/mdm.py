"""Device management on an upstream Fleet server: profiles assigned beforehand, and how far its rounds have come.

`mdm:preassign:<start of an external id>` (HASH: `host_uuid`, and by MD5 each profile with its group, an hour). Cursors
`mdm:<platform>:…recon_cursor` (STRING, a host's UUID, empty when a round is done) and states `mdm:apple:…_state`
(JSON) have no expiry by design; to lose one is harmless. Profiles may hold passwords, so nothing of them is read for
the table.
"""

from __future__ import annotations

import re

from fleetcache_gui.domain.decoding import Verdict
from fleetcache_gui.domain.drafting import flush, gone, removal
from fleetcache_gui.domain.family import Family, Rule, Verb
from fleetcache_gui.domain.kinds import KeyKind, Kinds
from fleetcache_gui.domain.values import State, Tone

PREASSIGN = b"mdm:preassign:"
CURSORS = (
    b"mdm:apple:recon_cursor",
    b"mdm:apple:declaration_recon_cursor",
    b"mdm:windows:recon_cursor",
    b"mdm:android:recon_cursor",
)
STATES = (b"mdm:apple:apns_sweep_state", b"mdm:apple:command_cleanup_state")
_LONGEST = 3600.0
_FOR_EVER = (
    "If this device enrolls again one day, it gets profiles that nobody remembers assigning.",
    "Remove the key unless the device is enrolling just now.",
)
_LATE = (
    "The enrollment window is an hour; a device that comes much later gets outdated profiles.",
    "Check what wrote it: preassignments of Fleet live for an hour.",
)
_KEPT = frozenset((*CURSORS, *STATES))

KINDS = Kinds(
    "upstream_mdm",
    "mdm",
    (
        KeyKind(
            "Preassignment",
            re.compile(re.escape(PREASSIGN) + b"(.+)", re.DOTALL),
            "mdm:preassign:<external id>",
            Verdict(
                State("waiting", Tone.ACCENT), "The device gets these profiles if it enrolls before the time ends."
            ),
            types=frozenset({"hash"}),
            longest=_LONGEST,
            stays=_FOR_EVER,
            late=_LATE,
        ),
        KeyKind(
            "Cursor",
            re.compile(rb"mdm:((?:apple|windows|android):(?:declaration_)?recon_cursor)"),
            "mdm:<platform>:recon_cursor",
            Verdict(State("kept"), "The host at which a round over all hosts stands; empty when the round is done."),
            expiry="none",
            shown=True,
        ),
        KeyKind(
            "State",
            re.compile(rb"mdm:(apple:(?:apns_sweep|command_cleanup)_state)"),
            "mdm:apple:<…>_state",
            Verdict(State("kept"), "How far a clean-up has come; Fleet begins anew where it cannot read it."),
            expiry="none",
            shown=True,
        ),
    ),
    (PREASSIGN,),
)

FAMILY = Family(
    id=KINDS.family,
    title="Device management",
    tab="MDM",
    noun=("entry", "entries"),
    purpose="Profiles assigned to devices before they enroll, and how far Fleet's rounds over all devices have come; "
    "keys "
    "appear when a device is assigned or a round is under way.",
    patterns=tuple(kind.written for kind in KINDS.kinds),
    prefixes=(PREASSIGN, *CURSORS, *STATES),
    columns=KINDS.columns(
        "Name", "The device's id in the system that assigned it, or the round.", "Where a round stands."
    ),
    rule=Rule(frozenset({"hash", "string"}), "required", _LONGEST, _KEPT),
    decode=KINDS.decode,
    probes=KINDS.probes,
    private=True,
    sort=("kind", False),
    verbs=(
        Verb(
            f"{KINDS.family}.remove",
            "Remove…",
            "Remove {}",
            removal,
            (
                "A device that enrolls now gets no profiles from its preassignment. A round whose cursor goes begins "
                "anew with the first host, which does no harm.",
            ),
            fits=gone,
        ),
        flush(
            KINDS.family,
            "entries",
            removal,
            "Devices in the middle of their enrollment lose the profiles assigned to them; rounds begin anew.",
        ),
    ),
)

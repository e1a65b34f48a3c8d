"""The small things that an upstream Fleet server keeps: its key-value store, tags of configurations, counts of reports.

`key_value_<name>` (STRING, from minutes to days), of which some names and values are credentials: of those that are
not known here only the start is shown. `{cfgetag}:…` (STRING; the generation has no expiry),
`query_results_count:<query id>` (STRING, a number, no expiry).
"""

from __future__ import annotations

import re

from fleetcache_gui.domain.decoding import Verdict
from fleetcache_gui.domain.drafting import flush, gone, removal
from fleetcache_gui.domain.family import Family, Rule, Verb
from fleetcache_gui.domain.kinds import KeyKind, Kinds
from fleetcache_gui.domain.values import State, Tone

_PREFIXES = (b"key_value_", b"{cfgetag}:", b"query_results_count:")
_DAY = 86400.0
_GENERATION = b"{cfgetag}:gen"
_KEPT = State("kept")
_CACHED = State("cached", Tone.OK)

KINDS = Kinds(
    "upstream_store",
    "store",
    (
        KeyKind(
            "Software batch",
            re.compile(rb"key_value_software_batch_(.+)", re.DOTALL),
            "key_value_software_batch_<uuid>",
            Verdict(State("running", Tone.ACCENT), "How far the upload of a team's software has come."),
            longest=2 * _DAY,
            shown=True,
        ),
        KeyKind(
            "Host being set up",
            re.compile(rb"key_value_\{mdm_profile_processing\}:(.+)", re.DOTALL),
            "key_value_{mdm_profile_processing}:<host uuid>",
            Verdict(
                State("running", Tone.ACCENT), "Fleet sets this Apple host up, and leaves its profiles alone meanwhile."
            ),
            longest=_DAY,
        ),
        KeyKind(
            "Key-value entry",
            re.compile(rb"key_value_(.+)", re.DOTALL),
            "key_value_<name>",
            Verdict(_KEPT, "Something that Fleet keeps for a while, such as a nonce; its name may be a credential."),
            longest=60 * _DAY,
            secret=True,
        ),
        KeyKind(
            "Report rows",
            re.compile(rb"query_results_count:([0-9]{1,19})"),
            "query_results_count:<query id>",
            Verdict(_KEPT, "How many rows the report of this query has in the database."),
            expiry="either",
            shown=True,
        ),
        KeyKind(
            "Config generation",
            re.compile(rb"\{cfgetag\}:(gen)"),
            "{cfgetag}:gen",
            Verdict(_KEPT, "The number of the configuration; tags of older ones are not believed."),
            expiry="none",
            shown=True,
        ),
        KeyKind(
            "Config fence",
            re.compile(rb"\{cfgetag\}:(fence|host-quarantine:.+)", re.DOTALL),
            "{cfgetag}:fence",
            Verdict(State("closed", Tone.ACCENT), "The configuration has just changed: no tag is published meanwhile."),
            longest=600.0,
            shown=True,
        ),
        KeyKind(
            "Config tag",
            re.compile(rb"\{cfgetag\}:((?:etag|host-etag):.+)", re.DOTALL),
            "{cfgetag}:etag:<…>",
            Verdict(_CACHED, "A host whose configuration has this tag is not sent it again."),
            longest=2 * 3600.0,
            shown=True,
        ),
        KeyKind(
            "Config answer",
            re.compile(rb"\{cfgetag\}:(legacy-packs|scope-modes)"),
            "{cfgetag}:scope-modes",
            Verdict(_CACHED, "An answer of the database that is kept for some minutes."),
            longest=1800.0,
        ),
    ),
    _PREFIXES,
    secret=True,
)

FAMILY = Family(
    id=KINDS.family,
    title="Small stores",
    tab="Store",
    noun=("entry", "entries"),
    purpose="What Fleet keeps for a while beside its great uses: batches of software, tags of configurations, counts "
    "of report rows; keys appear with the work that needs them.",
    patterns=tuple(kind.written for kind in KINDS.kinds),
    prefixes=_PREFIXES,
    columns=KINDS.columns(
        "Name", "What it is for; a name that may be a credential is cut.", "The value where it is no secret."
    ),
    rule=Rule(frozenset({"string"}), "either", 60 * _DAY),
    decode=KINDS.decode,
    probes=KINDS.probes,
    secret=True,
    mask=KINDS.mask,
    private=True,
    sort=("kind", False),
    verbs=(
        Verb(
            f"{KINDS.family}.remove",
            "Remove…",
            "Remove {}",
            removal,
            (
                "What is under way with it (an upload of software, the setting up of a device) is not found again and "
                "must be begun anew; tags of configurations are made anew at once. A count of report rows is wrong "
                "until Fleet's clean-up counts again.",
            ),
            fits=gone,
        ),
        flush(KINDS.family, "entries", removal, "What is under way with them must be begun anew; counts are wrong."),
    ),
)

"""An incident bundle: one zip that holds what was recorded, for other people and for later.

``manifest.json`` says what it is, ``recording.jsonl`` is the recording, and the rest is for people and other programs:
timeline, findings and figures as tables, pictures. Credentials are masked. Reading one believes nothing: it may come
from anybody.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from fleetcache_gui.present import event_files
from fleetcache_gui.present.frames import BadRecording
from fleetcache_gui.present.manifest import Manifest, read
from fleetcache_gui.present.recorder import LONGEST_LINE, History, Tape, chunked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from fleetcache_gui.domain.layout import Layout

_MANIFEST, _RECORDING = "manifest.json", "recording.jsonl"
_MOST_PARTS, _LARGEST_MANIFEST = 200, 1 << 20
LARGEST = 2 << 30
"""Bytes that a recording may unfold to."""
_PART = 1 << 20
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def pack(manifest: Manifest, tape: Tape, history: History, layout: Layout, pictures: Mapping[str, bytes]) -> bytes:
    """The whole file. `pictures` are PNG files by name."""
    out = io.BytesIO()
    events = [event for _, event in history.events][::-1]
    last = tape.frame(len(tape.moments) - 1)
    found = [
        {
            "family": finding.family,
            "severity": finding.severity.value,
            "since": datetime.fromtimestamp(finding.wall, UTC).isoformat(timespec="seconds"),
            "what": finding.judgement.text,
            "meaning": finding.judgement.meaning,
            "advice": finding.judgement.advice,
        }
        for finding in last.findings
    ]
    figures = [msgspec.to_builtins(vitals) for vitals in history.vitals]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        with file.open(_RECORDING, "w") as part:
            for line in tape.lines():
                part.write(line + b"\n")
        file.writestr("timeline.csv", event_files.as_csv(events, layout))
        file.writestr("findings.json", msgspec.json.format(msgspec.json.encode(found)))
        file.writestr("metrics.json", msgspec.json.encode(figures))
        for name, picture in pictures.items():
            file.writestr(f"pictures/{name}", picture, zipfile.ZIP_STORED)
    return out.getvalue()


def unpack(path: Path, layouts: Mapping[str, Layout]) -> tuple[Manifest, Tape]:
    """Raises `BadRecording` with a sentence, and OSError where the file cannot be read."""
    try:
        with zipfile.ZipFile(path) as file:
            if len(file.infolist()) > _MOST_PARTS:
                raise BadRecording(f"{path.name} has more parts than any bundle.")
            if any(part.compress_type not in _COMPRESSIONS for part in file.infolist()):
                raise BadRecording(f"{path.name} is packed in another way than this program packs.")
            with file.open(_MANIFEST) as part:
                manifest = read(part.read(_LARGEST_MANIFEST + 1))
            with file.open(_RECORDING) as recording:
                tape = _tape(path.name, manifest, _lines(iter(partial(recording.read, _PART), b"")), layouts)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, RuntimeError, NotImplementedError) as error:
        raise BadRecording(f"{path.name} is no bundle of this program, or it is damaged.") from error
    return manifest, tape


def of_journal(name: str, parts: Iterable[bytes], layouts: Mapping[str, Layout]) -> tuple[Manifest, Tape]:
    """A journal: its manifest is the first line, and its last one may be torn. Raises `BadRecording`."""
    each = _lines(parts)
    manifest = read(next(each, b""))
    return manifest, _tape(name, manifest, each, layouts)


def _tape(name: str, manifest: Manifest, lines: Iterable[bytes], layouts: Mapping[str, Layout]) -> Tape:
    if manifest.layout not in layouts:
        raise BadRecording(f"{name} is of a layout that this version does not know.")
    tape = Tape(layouts[manifest.layout], chunked(lines))
    if not tape.moments:
        raise BadRecording(f"{name} holds no reading.")
    tape.frame(len(tape.moments) - 1)  # else it fails in a window, and not at once
    return tape


def _lines(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Whole lines, however much a small file claims to hold."""
    left, total = b"", 0
    for part in parts:
        total += len(part)
        if total > LARGEST or len(left) > LONGEST_LINE:
            raise BadRecording("It unfolds to more than any recording that this program makes.")
        *whole, left = (left + part).split(b"\n")
        yield from filter(None, whole)

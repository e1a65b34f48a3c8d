"""An incident bundle goes out whole and masked, and comes in without being believed."""

from __future__ import annotations

import contextlib
import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.families.layouts import PINNED
from fleetcache_gui.present import bundle
from fleetcache_gui.present.bundle import pack, unpack
from fleetcache_gui.present.frames import BadRecording
from fleetcache_gui.present.manifest import Manifest
from fleetcache_gui.present.recorder import Recorder, Tape
from fleetcache_gui.present.timeline import Event
from tests.unit.test_present_recorder import SECRET, SPEC, frame, lock, note, token

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = Manifest(1, "fleetcache-gui 0", "2026-01-01T00:00:00+00:00", "cache", "cache:6379", "STAGING", "spec", 3)
PNG = b"\x89PNG\r\n\x1a\n"


def made() -> Tape:
    recorder = Recorder(SPEC)
    for number in range(3):
        at = 10.0 + number
        event = Event(at, Tone.OK, "=1+1 happened", Happening.CAME, "locks", b"a")
        note(recorder, frame(at, (lock("a", "api-1", 70.0, at),), (token(SECRET, 70.0, at),)), (event,))
    return Tape(SPEC, recorder.chunks())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    tape = made()
    file = tmp_path / "incident.zip"
    file.write_bytes(pack(MANIFEST, tape, tape.history(), SPEC, {"overview.png": PNG}))
    return file


def test_what_went_out_comes_in(path: Path) -> None:
    manifest, tape = unpack(path, PINNED)
    assert manifest == MANIFEST
    assert [tape.frame(number) for number in range(3)] == [made().frame(number) for number in range(3)]
    assert tape.history() == made().history()


def test_other_programs_can_read_it_and_no_credential_is_in_it(path: Path) -> None:
    with zipfile.ZipFile(path) as file:
        parts = {info.filename: file.read(info) for info in file.infolist()}
    assert parts["pictures/overview.png"] == PNG
    assert json.loads(parts["metrics.json"])[0]["keys"] == 1
    assert json.loads(parts["findings.json"]) == []
    assert parts["timeline.csv"].count(b"\r\n") == 4
    assert b",'=1+1 happened" in parts["timeline.csv"]
    for part in parts.values():
        assert SECRET[:12].encode() not in part


def rewritten(path: Path, **parts: bytes | None) -> Path:
    """The same bundle with other parts; None leaves one away."""
    names = {"manifest": "manifest.json", "recording": "recording.jsonl"}
    with zipfile.ZipFile(path) as file:
        kept = {info.filename: file.read(info) for info in file.infolist()}
    kept.update({names[name]: part for name, part in parts.items()})  # type: ignore[misc]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, part in kept.items():
            if part is not None:
                file.writestr(name, part)
    return path


@pytest.mark.parametrize("raw", [b"", b"PK", b"\x00" * 1000, b"not a zip"])
def test_what_is_no_bundle_is_refused(tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "x.zip"
    file.write_bytes(raw)
    with pytest.raises(BadRecording, match="is no bundle of this program"):
        unpack(file, PINNED)


def test_a_torn_bundle_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BadRecording):
        unpack(path, PINNED)


def test_a_bundle_with_a_flipped_byte_is_refused_or_read(path: Path) -> None:
    whole = path.read_bytes()
    for at in range(0, len(whole), max(len(whole) // 150, 1)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        with contextlib.suppress(BadRecording):
            unpack(path, PINNED)


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        (b"{", "manifest cannot be read"),
        (b"[]", "manifest cannot be read"),
        (b'{"format": 2}', "format 2; this version reads 1"),
        (b'{"format": 1}', "manifest cannot be read"),
    ],
)
def test_another_manifest_is_refused(path: Path, manifest: bytes, told: str) -> None:
    with pytest.raises(BadRecording, match=told):
        unpack(rewritten(path, manifest=manifest), PINNED)


def test_a_missing_part_is_told(path: Path) -> None:
    with pytest.raises(BadRecording, match="is no bundle"):
        unpack(rewritten(path, recording=None), PINNED)


def test_an_empty_recording_is_told(path: Path) -> None:
    with pytest.raises(BadRecording, match="holds no reading"):
        unpack(rewritten(path, recording=b"\n\n"), PINNED)


def test_a_layout_that_nobody_knows_is_told(path: Path) -> None:
    raw = json.dumps({**json.loads(zipfile.ZipFile(path).read("manifest.json")), "layout": "other"}).encode()
    with pytest.raises(BadRecording, match="layout that this version does not know"):
        unpack(rewritten(path, manifest=raw), PINNED)


def test_hidden_and_reordering_characters_of_its_name_are_escaped(path: Path) -> None:
    told = {**json.loads(zipfile.ZipFile(path).read("manifest.json")), "name": "a\u202eb", "environment": "\u0007"}
    manifest, _ = unpack(rewritten(path, manifest=json.dumps(told).encode()), PINNED)
    assert (manifest.name, manifest.environment) == ("a\\u{202e}b", "\\x07")


def test_a_small_file_that_unfolds_to_gigabytes_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LARGEST", 10 << 20)
    with pytest.raises(BadRecording, match="unfolds to more"):
        unpack(rewritten(path, recording=b"\n" * (11 << 20)), PINNED)


def test_a_line_without_end_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "LONGEST_LINE", 1 << 20)
    with pytest.raises(BadRecording, match="unfolds to more"):
        unpack(rewritten(path, recording=b" " * (4 << 20)), PINNED)


def test_too_many_parts_are_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as file:
        for number in range(250):
            file.writestr(f"x{number}", b"")
    with pytest.raises(BadRecording, match="more parts"):
        unpack(path, PINNED)


def test_another_compression_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as file:
        file.writestr("x", b"y")
    with pytest.raises(BadRecording, match="packed in another way"):
        unpack(path, PINNED)

"""What a recording says of itself."""

from __future__ import annotations

from typing import Annotated

import msgspec

from fleetcache_gui.present.frames import BadRecording, text_of

FORMAT = 1
_LARGEST = 1 << 20  # bytes

Short = Annotated[str, msgspec.Meta(max_length=1000)]


class Manifest(msgspec.Struct):
    """`server`: an address without credentials; `made`: UTC, ISO 8601; `readings`: 0 where it was not known yet."""

    format: int
    program: Short
    made: Short
    name: Short
    server: Short
    environment: Short
    layout: Short
    readings: int
    thresholds: dict[Short, float | int | bool | None] = {}
    interval: float = 2.0


def read(raw: bytes) -> Manifest:
    """Raises `BadRecording`."""
    try:
        if len(raw) > _LARGEST:
            raise BadRecording("Its manifest is larger than any.")
        version = msgspec.json.decode(raw, type=dict)["format"]
        if version != FORMAT:
            raise BadRecording(f"It is a recording of format {version!r}; this version reads {FORMAT}.")
        read_ = msgspec.json.decode(raw, type=Manifest)
        shown = {name: text_of(getattr(read_, name)) for name in ("name", "server", "environment")}
        return msgspec.structs.replace(read_, **shown)
    except (msgspec.DecodeError, KeyError, TypeError, RecursionError) as error:
        raise BadRecording("Its manifest cannot be read.") from error

"""The wire format of Redis, as far as a proxy must know it: where requests and replies end, and a request's words."""

from __future__ import annotations

Words = tuple[bytes, ...]

_STRINGS = {b"$", b"=", b"!"}
_COLLECTIONS = {b"*": 1, b"~": 1, b">": 1, b"%": 2, b"|": 2}
"""How many elements belong to one that is counted: maps and attributes count pairs."""


class Splitter:
    """Finds the ends of requests or replies (RESP2 and RESP3) in a stream that comes in pieces of any size.

    What arrives unasked (RESP3 pushes) ends nothing: it belongs to the reply after it. A stream that is not
    RESP, such as TLS, sets `broken`, and has no ends from then on.
    """

    def __init__(self) -> None:
        self.broken = False
        self._line = bytearray()
        self._skip = 0  # bytes of the string that is being passed
        self._open: list[int] = []  # elements still to come of each collection, outermost first
        self._pushed = False

    def feed(self, data: bytes) -> list[tuple[bytes, bool]]:
        """`data` in pieces, each with whether a request or reply ends with it. Nothing is held back."""
        pieces = []
        start = at = 0
        while at < len(data) and not self.broken:
            at, ended = self._step(data, at)
            if ended:
                pieces.append((data[start:at], True))
                start = at
        if start < len(data):
            pieces.append((data[start:], False))
        return pieces

    def _step(self, data: bytes, at: int) -> tuple[int, bool]:
        if self._skip:
            taken = min(self._skip, len(data) - at)
            self._skip -= taken
            return at + taken, not self._skip and self._element()
        end = data.find(b"\n", at) + 1 or len(data)
        self._line += data[at:end]
        if self._line[0] not in b"\r\n" and not 32 <= self._line[0] < 127:
            self.broken = True
        if self.broken or not self._line.endswith(b"\n"):
            return end, False
        line = bytes(self._line).rstrip()
        self._line.clear()
        return end, self._header(line[:1], line[1:])

    def _header(self, kind: bytes, rest: bytes) -> bool:
        if kind not in _STRINGS and kind not in _COLLECTIONS:
            return self._element()  # a line of its own: a number, a status, an inline request
        try:
            size = int(rest)
        except ValueError:
            self.broken = True
            return False
        if kind in _STRINGS:
            self._skip = size + 2 if size >= 0 else 0
        elif size > 0 or kind == b"|":
            # Attributes are followed by what they are attributes of.
            self._open.append(size * _COLLECTIONS[kind] + (kind == b"|"))
            self._pushed = self._pushed or kind == b">"
            return False
        return not self._skip and self._element()

    def _element(self) -> bool:
        while self._open:
            self._open[-1] -= 1
            if self._open[-1]:
                return False
            self._open.pop()
        pushed, self._pushed = self._pushed, False
        return not pushed


def words(request: bytes) -> Words:
    """The words of one whole request, its name in upper case; none for a blank line or an empty array."""
    found = _array(request) if request.startswith(b"*") else request.split()
    return (found[0].upper(), *found[1:]) if found else ()


def pack(*found: bytes) -> bytes:
    """The request of these words."""
    return b"*%d\r\n" % len(found) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in found)


def _array(request: bytes) -> list[bytes]:
    found = []
    at = request.index(b"\n") + 1
    while at < len(request):
        start = request.index(b"\n", at) + 1
        end = start + int(request[at + 1 : start])
        found.append(request[start:end])
        at = end + 2
    return found

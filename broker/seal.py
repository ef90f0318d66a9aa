"""The seal: readings that only the wearer's own devices can read, and nobody can alter, repeat or put out of order.

ChaCha20-Poly1305 (RFC 8439). A sealed payload is one version byte, four bytes that tell which key it
was, sixteen random bytes of the sealing process, a number that only grows, and what is sealed::

    version 1 | key id 4 | salt 16 | number 8 | ciphertext | tag 16

The head and the topic are authenticated too. Each process seals with a key of its own, derived from
the wearer's key and its salt; so no nonce (the number) is ever used twice under one key, even if a
disk is put back to an earlier day. Whoever carries the messages sees topics, times and sizes.
"""

import secrets
import struct
from collections import deque
from typing import Final, Literal, Protocol, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from broker import topics

KEY_BYTES: Final = 32
VERSION: Final = 1
"""No SenML pack begins with it: that begins with a bracket or a blank."""
_SALT_BYTES: Final = 16
_HEAD: Final = struct.Struct(">B4s16sQ")
_TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = _HEAD.size + _TAG_BYTES
"""What a sealed payload is longer than the plain one: 45 bytes."""

_RESERVED: Final = 1_000
"""Numbers taken from the notes at a time; a process that dies leaves the rest of them unused."""
_REMEMBERED: Final = 16
"""So many of a device's last payloads are known again; a broker sends twice what it sent last, if anything."""
_MARK: Final = struct.Struct(">Q8s")
"""How one is remembered: its number, and half its tag."""

Reason: TypeAlias = Literal["not_sealed", "foreign_key", "altered", "replayed", "reordered"]


class Refused(Exception):
    """A payload that must not be used; *reason* says what is wrong with it."""

    def __init__(self, reason: Reason, words: str) -> None:
        super().__init__(words)
        self.reason: Reason = reason


class Doubled(Exception):
    """A payload that is here already, sent again by a broker that had not heard so: harmless, to be dropped."""


class Notes(Protocol):
    """A few words kept on disk; what was put is there after a crash."""

    def get(self, key: str) -> bytes | None:
        """Return what was last put under *key*."""

    def put(self, key: str, value: bytes) -> None:
        """Keep *value* under *key*: it is safe when this returns."""


class Counter:
    """Numbers from 1 that only grow, whatever happens to the process and the clock: they are reserved in advance."""

    def __init__(self, notes: Notes, name: str) -> None:
        self._notes = notes
        self._key = f"counter/{name}"
        self._last = self._reserved = int.from_bytes(notes.get(self._key) or b"")

    def next(self) -> int:
        """Return a number greater than any before; raises what the notes raise when they cannot be written."""
        if self._last == self._reserved:
            reserved = self._last + _RESERVED
            self._notes.put(self._key, reserved.to_bytes(8))
            self._reserved = reserved
        self._last += 1
        return self._last


class Seal:
    """Seals what *device* sends as biometrics; *key* is its wearer's."""

    def __init__(self, key: bytes, fleet: str, device: str, counter: Counter) -> None:
        self._topic = topics.biometrics(fleet, device).encode()
        self._counter = counter
        self._key_id = _key_id(key)
        self._salt = secrets.token_bytes(_SALT_BYTES)
        self._cipher = _cipher(key, self._salt)

    def seal(self, payload: bytes) -> bytes:
        """Return *payload* sealed, `OVERHEAD_BYTES` longer; the same one sealed again differs."""
        number = self._counter.next()
        head = _HEAD.pack(VERSION, self._key_id, self._salt, number)
        return head + self._cipher.encrypt(_nonce(number), payload, head + self._topic)


class Unsealer:
    """Opens what one wearer's devices sealed with the wearer's *key*; what it has heard it keeps in *notes*."""

    def __init__(self, key: bytes, notes: Notes) -> None:
        self._key = key
        self._key_id = _key_id(key)
        self._notes = notes
        self._heard: dict[str, deque[tuple[int, bytes]]] = {}
        self._ciphers: dict[str, tuple[bytes, ChaCha20Poly1305]] = {}
        self._unsaved: set[str] = set()

    def open(self, topic: str, payload: bytes, *, dup: bool = False) -> bytes:
        """Return what was sealed; *dup* is the broker's word that it sends this once more (MQTT's DUP flag).

        Raises Refused for what is altered, replayed, out of order, sealed with another key or not at all;
        Doubled for a payload of a moment ago that the broker says it repeats.
        """
        if len(payload) < OVERHEAD_BYTES or payload[0] != VERSION:
            raise Refused("not_sealed", f"{topic}: not sealed: {len(payload)} bytes that begin with {payload[:1]!r}")
        _, key_id, salt, number = _HEAD.unpack_from(payload)
        if key_id != self._key_id:
            raise Refused("foreign_key", f"{topic}: sealed with another key ({key_id.hex()}, not {self._key_id.hex()})")
        known, cipher = self._ciphers.get(topic) or (b"", None)
        if cipher is None or known != salt:
            cipher = _cipher(self._key, salt)
        head = payload[: _HEAD.size]
        try:
            plain = cipher.decrypt(_nonce(number), payload[_HEAD.size :], head + topic.encode())
        except InvalidTag:
            raise Refused("altered", f"{topic}: altered on its way, or sealed for another topic") from None
        self._check_order(topic, number, payload[-_TAG_BYTES : -_TAG_BYTES // 2], dup=dup)
        self._ciphers[topic] = salt, cipher
        return plain

    def save(self) -> None:
        """Note what was heard; to be called once the readings are stored: so a crash between loses none of them."""
        for topic in sorted(self._unsaved):
            self._notes.put(f"heard/{topic}", b"".join(_MARK.pack(*mark) for mark in self._heard[topic]))
        self._unsaved.clear()

    def _check_order(self, topic: str, number: int, tag: bytes, *, dup: bool) -> None:
        heard = self._heard.get(topic)
        if heard is None:
            noted = self._notes.get(f"heard/{topic}") or b""
            heard = self._heard[topic] = deque(_MARK.iter_unpack(noted), _REMEMBERED)
        if not heard or number > heard[-1][0]:
            heard.append((number, tag))
            self._unsaved.add(topic)
            return
        words = f"{topic}: number {number} after {heard[-1][0]}"
        if (number, tag) in heard:
            if dup:
                raise Doubled(f"{words}: sent twice by the broker")
            raise Refused("replayed", f"{words}: replayed")
        forgotten = len(heard) == _REMEMBERED and number < heard[0][0]
        if forgotten or any(number == other for other, _ in heard):
            raise Refused("replayed", f"{words}: replayed, or from a device whose notes were lost")
        raise Refused("reordered", f"{words}: out of order")


def wearer_key(secret: bytes, wearer: str) -> bytes:
    """Return the key of one *wearer*'s devices, derived from a fleet's *secret* of 32 random bytes or more."""
    if len(secret) < KEY_BYTES:
        raise ValueError(f"a secret of {len(secret)} bytes, expected {KEY_BYTES} or more")
    return _derived(secret, None, b"fleetbeat wearer 1 " + wearer.encode())


def _cipher(key: bytes, salt: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(_derived(key, salt, b"fleetbeat seal 1"))


def _key_id(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key of {len(key)} bytes, expected {KEY_BYTES}")
    return _derived(key, None, b"fleetbeat key id 1")[:4]


def _derived(secret: bytes, salt: bytes | None, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt, purpose).derive(secret)


def _nonce(number: int) -> bytes:
    return number.to_bytes(12)

"""Who a node is: its key, its id at the server, and the tasks it owes answers for; kept for the next process."""

import logging
import time
from dataclasses import dataclass

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from flwr.app import Message

from broker.errors import StorageFull
from devices.fleet_api import flower
from devices.storage.notes import Notes

JUST_NOW_S = 1.0
SIGNATURE_LASTS_S = 120.0
"""The server takes a signature for 305 s (``TIMESTAMP_TOLERANCE``); signing each call would cost more than the call."""
KEY, NODE_ID, OWED = "fleet_api_key", "fleet_api_node_id", "fleet_api_owed"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Owed:
    """A task that was taken from the server and has no answer yet."""

    head: Message
    begun: bool = False
    """The device has it; else it still lies ready."""
    answering: bool = False


class Identity:
    """One node's key and memory. What is noted later is noted in the door's thread."""

    def __init__(self, notes: Notes) -> None:
        """Be the node that *notes* tell of, or a new one. What an earlier process left unanswered is in `orphans`."""
        self._notes = notes
        self._key = _kept_key(notes)
        self.public_pem = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        node_id = notes.get(NODE_ID)
        self.node_id = int(node_id) if node_id else None
        self.orphans = [flower.from_envelope(bytes.fromhex(head)) for head in orjson.loads(notes.get(OWED) or b"[]")]
        self.owed: dict[str, Owed] = {}
        self._headers: dict[str, str] = {}
        self._signed_s = 0.0
        self._signed_at = flower.now()

    @property
    def openssh(self) -> str:
        """The public key as ``flwr supernode register`` wants it."""
        return self._key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + "\n"

    def headers(self) -> dict[str, str]:
        """Return the headers of a call that is made now."""
        if not self._headers or self._age_s() > SIGNATURE_LASTS_S or self._date_was_set():
            self._headers = flower.signed_headers(self._key, self.public_pem)
            self._signed_s, self._signed_at = time.monotonic(), flower.now()
        return self._headers

    def sign_anew(self) -> bool:
        """Drop the signature, for the server does not take it; False if it was made just now, by the date of now."""
        fresh = self._age_s() < JUST_NOW_S and not self._date_was_set()
        self._headers = {}
        return not fresh

    def _age_s(self) -> float:
        return time.monotonic() - self._signed_s

    def _date_was_set(self) -> bool:
        """Whether the machine's date was set since the signature, which is of the date, was made."""
        return abs((flower.now() - self._signed_at).total_seconds() - self._age_s()) > JUST_NOW_S

    def known_as(self, node_id: int | None) -> None:
        """Take the id that the server gave the node; None: it forgot the node, and with it all it was asked."""
        if node_id is None:
            self.owed.clear()
            self.orphans.clear()
            self._note_owed()
        if node_id != self.node_id:
            self.node_id = node_id
            self._note(NODE_ID, b"" if node_id is None else str(node_id).encode())

    def owes(self, head: Message) -> None:
        """An answer to the task of *head* is expected from now on."""
        self.owed[head.metadata.message_id] = Owed(head)
        self._note_owed()

    def settled(self, message_id: str) -> None:
        """Nothing is owed for that task any more."""
        if self.owed.pop(message_id, None) is not None:
            self._note_owed()

    def _note_owed(self) -> None:
        heads = [*self.orphans, *(owed.head for owed in self.owed.values())]
        self._note(OWED, orjson.dumps([flower.envelope(head).hex() for head in heads]))

    def _note(self, key: str, value: bytes) -> None:
        try:
            self._notes.put(key, value)
        except StorageFull as error:  # this process knows it all the same
            _log.debug("%s is not noted: %s", key, error)


def _kept_key(notes: Notes) -> ec.EllipticCurvePrivateKey:
    """Return the node's key, of the kind that Flower asks for, or make it; StorageFull if it cannot be kept."""
    pem = notes.get(KEY)
    if pem is None:
        key = ec.generate_private_key(ec.SECP384R1())
        notes.put(KEY, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return key
    kept = load_pem_private_key(pem, password=None)
    assert isinstance(kept, ec.EllipticCurvePrivateKey)
    return kept

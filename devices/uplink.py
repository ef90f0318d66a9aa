"""The road to the Flower server as a device sees it, and the app that does the server's work.

Both are promises: in virtual time a twin of the SuperLink and a pool of worker processes keep
them, live it is the SuperLink's Fleet API.
"""

import concurrent.futures
from collections.abc import Callable
from typing import Protocol

from flwr.app import Message


class Uplink(Protocol):
    """One node's far side. Moments are seconds of life."""

    @property
    def node_id(self) -> int | None:
        """The node's id at the server; None before the server gave it one."""

    def reachable(self, now_s: float) -> None:
        """The far link is up and the radio awake: heartbeats go out from now on."""

    def silent(self, now_s: float) -> None:
        """Power or link is gone without a word: heartbeats cease."""

    def signed_off(self, now_s: float) -> None:
        """The device leaves in order: the server knows at once."""

    def waiting(self, now_s: float) -> bool:
        """Whether a task lies at the server for this node."""

    def fetch(self, now_s: float) -> Message | None:
        """Take the next task; the server never hands it out again."""

    def label(self, message: Message) -> tuple[int, str]:
        """Return the round and the phase (train or evaluate) that *message* belongs to."""

    def waited_s(self, message: Message, now_s: float) -> float:
        """Return how long the task lay at the server before it was fetched."""

    def wanted(self, message: Message, now_s: float) -> bool:
        """Whether the server still waits for the answer to *message*."""

    def on_task(self, ring: Callable[[], None]) -> None:
        """Have *ring* called whenever a task has come to lie at the server for this node."""

    def begin_upload(self, message: Message, now_s: float) -> bool:
        """Send the head of the reply to *message*; False when nobody wants the reply any more."""

    def abandon(self, message: Message, now_s: float) -> None:
        """Forget an upload that began: its body will never come."""

    async def deliver(self, now_s: float, reply: Message) -> bool:
        """Hand in a reply; False when the server no longer wanted it and dropped it. Live, this takes time."""


class Fit(concurrent.futures.Future[Message]):
    """The reply that an app is working on."""

    slept_s: float = 0.0
    """Seconds of life that the app slept, in which nothing was computed; known when the reply is there."""


class App(Protocol):
    """Runs the ClientApp on a device's behalf, in real processors that take no virtual time."""

    def begin(self, device: str, message: Message) -> Fit:
        """Start on *message* now; the reply comes when done (an app that fails answers with an error)."""

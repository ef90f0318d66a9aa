"""Presence: whether a server still calls a node online, worked out from when it could be reached."""

import math

from flwr.common.constant import HEARTBEAT_PATIENCE

NEVER_S = -math.inf


class Presence:
    """One node's heartbeats, sent while it is reachable: at once when it comes back, then on a rhythm of its own.

    Nothing ticks: the last heartbeat before a moment follows from the interval. Moments are seconds of life.
    """

    def __init__(self, heartbeat_s: float, phase_s: float) -> None:
        """Beat every *heartbeat_s*, at ``phase_s + k × heartbeat_s``."""
        self._heartbeat_s = heartbeat_s
        self._phase_s = phase_s
        self._since_s: float | None = None
        self._until_s = NEVER_S

    @property
    def known(self) -> bool:
        """Whether the server has ever heard of it."""
        return self._since_s is not None or self._until_s != NEVER_S

    @property
    def beating(self) -> bool:
        """Whether heartbeats go out."""
        return self._since_s is not None

    def reachable(self, now_s: float) -> None:
        """Heartbeats go out from now on."""
        if self._since_s is None:
            self._since_s = now_s

    def silent(self, now_s: float) -> None:
        """Heartbeats cease without a word: the server finds out later."""
        self._until_s = self.online_until_s(now_s)
        self._since_s = None

    def signed_off(self, now_s: float) -> None:
        """The server is told."""
        self._until_s = min(self.online_until_s(now_s), now_s)
        self._since_s = None

    def online_until_s(self, now_s: float) -> float:
        """Return until when the server believes, from what it has heard by *now_s*, that the node is there."""
        if self._since_s is None:
            return self._until_s
        beats = math.floor((now_s - self._phase_s) / self._heartbeat_s)
        last_beat_s = max(self._since_s, self._phase_s + beats * self._heartbeat_s)
        return last_beat_s + HEARTBEAT_PATIENCE * self._heartbeat_s

    def online(self, now_s: float) -> bool:
        """Whether the server lists the node (Flower: offline from ``online_until`` on)."""
        return self.online_until_s(now_s) > now_s

    def given_up(self, now_s: float) -> bool:
        """Whether the server stops waiting for the node's replies (Flower: once ``online_until`` is past)."""
        return self.online_until_s(now_s) < now_s

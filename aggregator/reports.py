"""Reports: the last words of the devices as the server hears them over the broker, and what follows from them.

The server never looks inside a device: it knows what telemetry and ``$state`` tell.
"""

from collections.abc import Mapping

from broker import topics
from broker.messages import MalformedTelemetry, Telemetry, decode_telemetry

_READY_STATES = frozenset({"ready", "alert"})
_STATES = _READY_STATES | {"init", "sleeping", "disconnected", "lost"}

LEAVES = (topics.TELEMETRY, topics.STATE)
"""What of each device the server listens to."""


class Reports:
    """An in-memory view of the devices' last words."""

    def __init__(self) -> None:
        self.ready: set[str] = set()
        """Who reports ready, and is there."""
        self.telemetry: dict[str, Telemetry] = {}
        self.malformed = 0
        """Payloads that made no sense, and were ignored."""
        self._state: dict[str, str] = {}
        self._node: dict[str, int] = {}
        self._claimed: dict[int, str] = {}

    @property
    def nodes(self) -> Mapping[int, str]:
        """Flower's node id → the device that says it is its own now; who says so first is believed."""
        return {node_id: device for device, node_id in self._node.items() if self._claimed[node_id] == device}

    @property
    def by_node(self) -> Mapping[int, Telemetry]:
        """Flower's node id → the last report of the device that says it is its own."""
        return {node_id: self.telemetry[device] for node_id, device in self.nodes.items()}

    def hear(self, topic: str, payload: bytes) -> bool:
        """Take note of a message; False (and counted) if it makes no sense."""
        said = topics.parse(topic)
        word = payload.decode(errors="replace")
        if said is not None and said.leaf == topics.TELEMETRY:
            try:
                self.telemetry[said.device] = decode_telemetry(payload)
            except MalformedTelemetry:
                said = None
        elif said is not None and word in _STATES:
            self._state[said.device] = word
        else:
            said = None
        if said is None:
            self.malformed += 1
            return False
        self._judge(said.device)
        return True

    def _judge(self, device: str) -> None:
        told = self.telemetry.get(device)
        if told is not None and told.node_id is not None:
            self._node[device] = told.node_id
            self._claimed.setdefault(told.node_id, device)
        if told is not None and told.ready and self._state.get(device) in _READY_STATES:
            self.ready.add(device)
        else:
            self.ready.discard(device)

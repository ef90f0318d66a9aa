"""The roll: which device each of Flower's nodes is.

A SuperLink knows numbers. Our devices tell theirs in telemetry; a node of which nobody speaks, a stock SuperNode,
is called ``supernode-<n>``.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from broker.messages import Telemetry


class Reported(Protocol):
    """What devices tell of themselves, as `aggregator.selection.LiveSelection` hears it."""

    def ready(self) -> Collection[str]:
        """Return who reports ready."""

    def nodes(self) -> Mapping[int, str]:
        """Return Flower's node id → the device that says it is its own now."""

    def reports(self) -> Mapping[int, Telemetry]:
        """Return the last report of each node."""


class Roll(Mapping[int, str]):
    """Node id → name, for all nodes that were ever called by one."""

    def __init__(self, reported: Reported, devices: Sequence[str], patience_s: float) -> None:
        """*devices*: who could train, in the fleet's order.

        While one of them has not told its node, a node of which nobody speaks may be that one: it is left out until
        it has been there for *patience_s* (of the caller's clock), so that nobody is called by a wrong name.
        """
        self._reported = reported
        self._place = {device: number for number, device in enumerate(devices)}
        self._patience_s = patience_s
        self._names: dict[int, str] = {}
        self._strangers: dict[int, int] = {}
        self._since_s: dict[int, float] = {}
        self.unnamed = 0
        """Nodes of the last call that may be about to get a name."""

    def call(self, online: Iterable[int], now_s: float) -> list[int]:
        """Return those of *online* that have a name: the fleet's own in its order, then strangers as they came.

        A device has one node: an earlier one that the server still calls online is left out.
        """
        told = {node_id: device for node_id, device in self._reported.nodes().items() if device in self._place}
        self._names.update(told)
        everybody = self._place.keys() <= set(told.values())
        present = []
        self.unnamed = 0
        for node_id in sorted(online):
            if node_id in told:
                self._strangers.pop(node_id, None)
                present.append(node_id)
            elif node_id in self._strangers or (
                node_id not in self._names and (everybody or self._old(node_id, now_s))
            ):
                self.name(node_id)
                present.append(node_id)
            elif node_id not in self._names:
                self.unnamed += 1
        return sorted(present, key=self.place)

    def name(self, node_id: int) -> str:
        """Return what *node_id* is called; one that was never called is a stranger from now on."""
        if node_id not in self._names:
            number = 1 + sum(1 for name in self._names.values() if name not in self._place)
            self._strangers[node_id], self._names[node_id] = number, f"supernode-{number}"
        return self._names[node_id]

    def place(self, node_id: int) -> int:
        """Return where a node that has a name stands in the order of all."""
        return self._place.get(self._names[node_id], len(self._place) + self._strangers.get(node_id, 0))

    def ready(self) -> Collection[str]:
        """Return the names of the fleet's own that report ready (a stranger reports nothing)."""
        return self._place.keys() & set(self._reported.ready())

    def reports(self) -> Mapping[int, Telemetry]:
        """Return the last report of each of the fleet's own nodes."""
        return self._reported.reports()

    def __getitem__(self, node_id: int) -> str:
        return self._names[node_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _old(self, node_id: int, now_s: float) -> bool:
        return now_s - self._since_s.setdefault(node_id, now_s) >= self._patience_s

"""The lull: a strategy that waits for enough nodes, asking for them and sleeping a second, over and over.

`sample_nodes` of every Flower strategy does that, without a bound: 86,400 times a day.
"""

from dataclasses import dataclass

from broker.errors import RunEnded


class TooFewForTooLong(RunEnded):
    """There were never enough devices for as long as the server has patience."""


@dataclass
class Lull:
    """What the strategy did lately. If it did nothing but ask for nodes and sleep, it can know nothing but the nodes.

    So, as long as the nodes it could choose stay the same, all further rounds of its loop must go the same way, and
    one long sleep (of a whole number of its own sleeps) is the same to it as many short ones. Anything else it does,
    sending, pulling or looking at the clock, ends the lull.
    """

    patience_s: float
    began_s: float | None = None
    """When it first asked and then slept."""
    nodes: tuple[int, ...] | None = None
    _slept_s: float | None = None
    _repeats: bool = False

    def asked(self, nodes: tuple[int, ...]) -> None:
        """The strategy was told these nodes."""
        self._repeats = self._slept_s is not None and nodes == self.nodes
        self.nodes = nodes

    def disturbed(self) -> None:
        """The strategy did something else than asking and sleeping."""
        self.began_s = self.nodes = self._slept_s = None
        self._repeats = False

    def sleeps(self, seconds: float, now_s: float) -> bool:
        """Note that it sleeps now; return whether this sleep may last until something changes."""
        if self.nodes is None:
            return False
        if self.began_s is None:
            self.began_s = now_s
        endless = self._repeats and seconds == self._slept_s
        self._slept_s = seconds
        return endless

    @property
    def ends_s(self) -> float:
        """When patience is at its end."""
        return float("inf") if self.began_s is None else self.began_s + self.patience_s

    def check(self, nodes: tuple[int, ...], now_s: float) -> None:
        """Raise TooFewForTooLong when patience is at its end and nothing has changed."""
        if now_s >= self.ends_s and nodes == self.nodes:
            raise TooFewForTooLong(
                f"the server waited {self.patience_s / 3600:.1f} h for more devices to select from than {len(nodes)}"
            )

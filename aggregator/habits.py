"""The habits of a server: how it goes about selecting and waiting."""

from dataclasses import dataclass
from typing import Literal

Selectable = Literal["reachable", "ready"]


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How this server goes about selecting and waiting."""

    seed: int
    poll_s: float
    """It looks for replies at this rhythm (Flower: 3 s, live of the wall's time, where sockets are); 0: at once."""
    selectable: Selectable
    """Whom the strategy may see: all that a SuperLink calls online, or those that report ready too."""
    needed: int
    """Devices without which it does not begin (for the journal: the strategy itself does the waiting)."""
    patience_s: float
    """So long it waits for enough devices; then the run ends."""

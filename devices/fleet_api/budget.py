"""The budget: how many polls a second all nodes of this process may make together."""


class Budget:
    """Hands out moments, one after the other. Plain arithmetic: the caller brings the time, and waits."""

    def __init__(self, polls_per_s: float) -> None:
        self._every_s = 1.0 / polls_per_s
        self._next_s = 0.0

    def turn_s(self, now_s: float) -> float:
        """Return the moment, *now_s* or later, at which whoever asks now may poll."""
        turn_s = max(now_s, self._next_s)
        self._next_s = turn_s + self._every_s
        return turn_s

"""The clock of one fit: it begins at the date at which the device does, and moves on only while the app sleeps."""


class FitClock:
    """Time as a ClientApp sees it: computing takes none, for how long it takes is the device's affair, not ours."""

    def __init__(self, unix_s: float) -> None:
        self._began_s = unix_s
        self.slept_s = 0.0

    def now_s(self) -> float:
        """Return seconds that only grow."""
        return self.slept_s

    def unix_s(self, *, seen: bool) -> float:
        """Return the virtual date, whoever looks."""
        return self._began_s + self.slept_s

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass, at once."""
        self.slept_s += seconds

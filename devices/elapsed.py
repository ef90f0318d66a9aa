"""What passes: how long a device was within reach, on its charger and worn, and how low its battery came."""

from dataclasses import replace

from devices.circumstances import Circumstances
from devices.figures import Figures


class Elapsed:
    """Counts stretches of life, in which nothing of this changed, into a device's figures; others bring the time."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._since_s = 0.0

    def begin(self, now_s: float) -> None:
        """Life begins, or goes on in another process."""
        self._since_s = now_s

    def settle(self, now_s: float, life: Circumstances, *, online: bool, battery: float) -> None:
        """The stretch up to *now_s* is over: count it."""
        self._count(self._figures, now_s, life, online=online, battery=battery)
        self._since_s = now_s

    def seen(self, now_s: float, life: Circumstances, *, online: bool, battery: float) -> Figures:
        """Return the figures as if the open stretch ended at *now_s*; it goes on."""
        figures = replace(self._figures)
        self._count(figures, now_s, life, online=online, battery=battery)
        return figures

    def _count(self, figures: Figures, now_s: float, life: Circumstances, *, online: bool, battery: float) -> None:
        figures.passed(now_s - self._since_s, online=online, charging=life.charging, worn=life.worn)
        figures.battery_min = min(figures.battery_min, battery)

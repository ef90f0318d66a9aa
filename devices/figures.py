"""A device's own figures: what it measured, sent, lost and spent. Counters only; they become a line of devices.csv."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields


@dataclass(slots=True)
class Figures:
    """Readings (values of one channel), seconds of life and bytes since the start.

    ``readings_buffered`` and ``readings_dropped`` count the readings that this device *made*, wherever
    they ended: sensed = buffered + dropped + in flight.
    """

    readings_sensed: int = 0
    readings_sent: int = 0
    readings_buffered: int = 0
    readings_dropped: int = 0
    online_s: float = 0.0
    charging_s: float = 0.0
    worn_s: float = 0.0
    battery_min: float = 1.0
    battery_deaths: int = 0
    bytes_up: int = 0
    bytes_down: int = 0

    def passed(self, passed_s: float, *, online: bool, charging: bool, worn: bool) -> None:
        """Add a stretch of life in which nothing of this changed."""
        self.online_s += passed_s if online else 0.0
        self.charging_s += passed_s if charging else 0.0
        self.worn_s += passed_s if worn else 0.0

    @property
    def readings_in_flight(self) -> int:
        """Readings made that are neither in a buffer nor lost: in the outbox or on the way."""
        return self.readings_sensed - self.readings_buffered - self.readings_dropped


@dataclass(frozen=True, slots=True)
class Report:
    """Where one device stands: counters, energies by purpose in joules, examples (None: it cannot train)."""

    figures: Figures
    examples: int | None
    life_j: float
    training_j: float
    radio_j: float
    sensing_j: float
    waiting_readings: int
    """Readings in its outbox."""

    def numbers(self) -> dict[str, int | float | None]:
        """Return all of it as one flat mapping, for a journey."""
        own = {name: value for name, value in asdict(self).items() if name != "figures"}
        return asdict(self.figures) | own


def report_of(numbers: Mapping[str, int | float | None]) -> Report:
    """Return the report that `Report.numbers` made *numbers* of; raises KeyError if one is missing."""
    figures = Figures(**{field.name: numbers[field.name] for field in fields(Figures)})  # type: ignore[arg-type]  # as they left
    own = {field.name: numbers[field.name] for field in fields(Report) if field.name != "figures"}
    return Report(figures=figures, **own)  # type: ignore[arg-type]  # as they left

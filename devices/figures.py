"""A device's own figures: what it measured, sent, lost and spent. Counters only; they become a line of devices.csv."""

from dataclasses import dataclass


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

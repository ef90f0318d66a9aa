"""The price of learning: what the devices of a run spent on it, by kind, as wearers would feel it."""

from dataclasses import dataclass

from fleetbeat.saved_run import SavedRun

DAY_S = 86_400.0
DAY_MIN = 1_440.0


@dataclass(frozen=True, slots=True)
class Price:
    """What all devices of one kind spent in one run. Energies in joules, parts of *life_j*.

    *radio_j* has both radios: the far one that carries models, and the near one that carries
    readings to the device that learns from them.
    """

    kind: str
    devices: int
    days: float
    life_j: float
    sensing_j: float
    training_j: float
    radio_j: float
    wasted_j: float
    """Spent on device-rounds that did not end delivered."""
    far_bytes: float

    @property
    def learning_j(self) -> float:
        """Energy for computing and for sending."""
        return self.training_j + self.radio_j

    @property
    def other_j(self) -> float:
        """Energy that the same life would have drawn without learning."""
        return self.life_j - self.learning_j

    @property
    def idle_j(self) -> float:
        """Energy for being on and being used."""
        return max(0.0, self.other_j - self.sensing_j)

    @property
    def battery_min_a_day(self) -> float:
        """Minutes of ordinary life that a day's energy for learning would have lasted."""
        return self.learning_j / self.other_j * DAY_MIN if self.other_j > 0 else 0.0

    @property
    def mb_a_day(self) -> float:
        """Megabytes that one device sent and received over its far link, a day."""
        return self.far_bytes / self.devices / self.days / 1e6


def prices(run: SavedRun) -> list[Price]:
    """Return the price by kind, in the order of devices.csv."""
    days = max(run.results["virtual_s"] / DAY_S, 1e-9)
    lines: dict[str, list[dict[str, str]]] = {}
    for line in run.table("devices.csv"):
        lines.setdefault(line["kind"], []).append(line)
    return [
        Price(
            kind=kind,
            devices=len(alike),
            days=days,
            far_bytes=_sum(alike, "bytes_up") + _sum(alike, "bytes_down"),
            life_j=_sum(alike, "life_j"),
            sensing_j=_sum(alike, "sensing_j"),
            training_j=_sum(alike, "training_j"),
            radio_j=_sum(alike, "radio_j"),
            wasted_j=_sum(alike, "wasted_j"),
        )
        for kind, alike in lines.items()
    ]


def _sum(lines: list[dict[str, str]], column: str) -> float:
    return sum(float(line[column] or 0) for line in lines)

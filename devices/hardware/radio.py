"""Radios: how long bytes take over a link, and what they cost."""

from pydantic import BaseModel, ConfigDict, Field


class Radio(BaseModel):
    """What all radios have in common: figures that are finite and of the right type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Far(Radio):
    """A link to the server, Wi-Fi or mobile: its power while bytes move, and a lump of energy for waking it up."""

    down_mbit_s: float = Field(gt=0, le=100_000)
    up_mbit_s: float = Field(gt=0, le=100_000)
    power_mw: float = Field(ge=0, le=100_000)
    wake_mj: float = Field(ge=0, le=1_000_000)
    latency_s: float = Field(ge=0, le=60)

    @property
    def wake_j(self) -> float:
        """Energy to wake the radio and let it fall asleep again (its tail)."""
        return self.wake_mj / 1_000

    def transfer_s(self, size_bytes: float, *, down: bool) -> float:
        """Return the seconds that *size_bytes* take: one latency, then the link's speed."""
        mbit_s = self.down_mbit_s if down else self.up_mbit_s
        return self.latency_s + size_bytes * 8 / (mbit_s * 1e6)

    def energy_j(self, size_bytes: float, *, down: bool) -> float:
        """Return what a whole transfer costs: one wake-up, then power for as long as it takes."""
        return self.wake_j + self.power_mw / 1_000 * self.transfer_s(size_bytes, down=down)


class FarLinks(Radio):
    """The far links that a kind has; no mobile means Wi-Fi only."""

    wifi: Far
    mobile: Far | None = None


class Near(Radio):
    """A radio to the wearer's hub (Bluetooth Low Energy): energy goes with bytes (Bulic 2019, Sensors 19:3746)."""

    kbit_s: float = Field(gt=0, le=1_000_000)
    energy_uj_per_byte: float = Field(ge=0, le=1_000_000)
    wake_mj: float = Field(ge=0, le=1_000_000)

    def transfer_s(self, size_bytes: float) -> float:
        """Return the seconds that *size_bytes* take."""
        return size_bytes * 8 / (self.kbit_s * 1_000)

    def energy_j(self, size_bytes: float) -> float:
        """Return what one wake-up and *size_bytes* cost each end."""
        return self.wake_mj / 1_000 + size_bytes * self.energy_uj_per_byte / 1e6

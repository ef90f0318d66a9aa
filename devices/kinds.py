"""The kinds of device: figures with their sources, from ``profiles/<kind>.toml``."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from broker.errors import SettingsError
from devices.body.channels import CHANNELS, EPOCH_S
from devices.charging import HABITS
from devices.complaints import complaints, did_you_mean, shown
from devices.doze import Doze
from devices.hardware.processor import Processor
from devices.hardware.radio import Far, FarLinks, Near

Share = Annotated[float, Field(ge=0, le=1)]
Draw = Annotated[float, Field(ge=0, le=100_000)]

NO_RADIO = FarLinks(wifi=Far(down_mbit_s=1.0, up_mbit_s=1.0, power_mw=0.0, wake_mj=0.0, latency_s=0.0))
"""Stands where a kind that cannot train has no radio to the server; nothing ever crosses it."""


class Part(BaseModel):
    """What all tables of a profile have in common: frozen, finite, of the right type, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Ready(Part):
    """What must hold before a device of this kind begins work, and while it works."""

    needs_charging: bool = True
    needs_idle: bool = True
    needs_unmetered: bool = True
    min_battery: Share = 0.2


class Figure(Part):
    """One figure of a profile, and where it comes from.

    ``verified`` was read in its source, ``derived`` is computed from what was read, ``assumed`` stands in for a figure.
    """

    name: str
    value: float | int | bool | str
    unit: str
    status: Literal["verified", "derived", "assumed"]
    source: Annotated[str, Field(min_length=1)]


class Kind(Part):
    """A kind of device. Draws in milliwatts, battery in watt-hours, speed in giga-operations a second.

    A new battery holds *battery_wh*, this one its share *health*; from the share *taper_from* on it charges slower.
    *senses* are channels and the seconds between two readings, *senses_in_session* those that are read more often while
    a worn device is in use (sport), at an extra *session_sensing_mw*; *near* is None for a device always near itself.
    """

    kind: str
    title: str
    carry: Literal["worn", "pocket", "home"]
    trains: bool
    senses: dict[str, float] = Field(default_factory=dict)
    senses_in_session: dict[str, float] = Field(default_factory=dict)
    waterproof: bool = False
    charging_habit: str
    battery_wh: float = Field(gt=0, le=1_000)
    health: float = Field(default=1.0, gt=0, le=1)
    charge_mw: Draw
    taper_from: float = Field(default=1.0, gt=0, le=1)
    idle_mw: Draw
    sensing_mw: Draw = 0.0
    session_sensing_mw: Draw = 0.0
    in_use_mw: Draw = 0.0
    training_mw: Draw = 0.0
    gflops: float = Field(gt=0, le=100_000)
    in_use_speed: float = Field(gt=0, le=1)
    saver_at: Share
    low_at: Share
    near: Near | None = None
    far: FarLinks = NO_RADIO
    ready: Ready = Ready()
    doze: Doze | None = None
    sync_every_s: float = Field(ge=60, le=900)
    outbox_readings: int = Field(ge=100, le=100_000_000)
    buffer_readings: int = Field(ge=1_000, le=100_000_000)
    figures: tuple[Figure, ...] = ()

    @model_validator(mode="after")
    def _possible(self) -> "Kind":
        """Refuse what cannot be: unknown words, a battery gone within the hour, a charger that never fills it."""
        if self.charging_habit not in HABITS:
            raise ValueError(f"charging_habit: found {shown(self.charging_habit)}, expected one of {', '.join(HABITS)}")
        for channel, every_s in self.senses.items():
            if channel not in CHANNELS:
                raise ValueError(f"senses.{channel}: found no such channel, expected one of {', '.join(CHANNELS)}")
            if every_s < EPOCH_S or every_s % EPOCH_S:
                raise ValueError(f"senses.{channel}: found {every_s:g}, expected a multiple of {EPOCH_S} s")
        for channel, every_s in self.senses_in_session.items():
            usual_s = self.senses.get(channel)
            if usual_s is None:
                expected = f"expected one of its senses{did_you_mean(channel, self.senses)}"
                raise ValueError(f"senses_in_session.{channel}: found no such channel, {expected}")
            least_s = EPOCH_S if channel == "movement" else 1  # a count of movement is that of a whole epoch
            if every_s < least_s or usual_s % every_s:  # a session only adds to what is read anyway
                expected = f"expected {least_s} s or more, and a part of {usual_s:g} s"
                raise ValueError(f"senses_in_session.{channel}: found {every_s:g}, {expected}")
        if self.trains and self.far == NO_RADIO:
            raise ValueError("far: found no radio, expected one for a kind that trains")
        rest_mw = self.idle_mw + self.sensing_mw
        if rest_mw >= self.capacity_wh * 1_000:
            raise ValueError(f"battery_wh: found {self.capacity_wh:g}, expected to outlast an hour of {rest_mw:g} mW")
        if self.charge_mw <= rest_mw:
            raise ValueError(
                f"charge_mw: found {self.charge_mw:g}, expected more than its draw at rest, {rest_mw:g} mW"
            )
        return self

    @property
    def capacity_wh(self) -> float:
        """What the battery holds at its age."""
        return self.battery_wh * self.health

    @property
    def processor(self) -> Processor:
        """The processor, as arithmetic."""
        return Processor(self.gflops, self.in_use_speed)

    def far_link(self, network: str) -> Far | None:
        """Return the radio for *network* (wifi, mobile or none)."""
        return {"wifi": self.far.wifi, "mobile": self.far.mobile}.get(network)


@cache
def kinds() -> dict[str, Kind]:
    """Return all kinds by name."""
    folder = files("devices").joinpath("profiles")
    profiles = [path for path in folder.iterdir() if path.name.endswith(".toml")]
    found = [read_profile(path.read_text(encoding="utf-8"), path.name) for path in profiles]
    return {kind.kind: kind for kind in sorted(found, key=lambda kind: kind.kind)}


def kind_named(name: str) -> Kind:
    """Return the kind called *name*; raises SettingsError for one that is not there."""
    found = kinds().get(name)
    if found is None:
        hint = did_you_mean(name, kinds())
        raise SettingsError(f"kind: found {shown(name)}, expected one of {', '.join(kinds())}{hint}")
    return found


def read_profile(text: str, where: str) -> Kind:
    """Return the kind that a profile describes: plain keys, and ``[figures]`` each with value, unit, status and source.

    Raises SettingsError, naming *where*, for a figure without a source and for a device that cannot be.
    """
    try:
        plain = tomllib.loads(text)
        figures = tuple(Figure(name=name, **figure) for name, figure in _flat(plain.pop("figures", {})))
        for figure in figures:
            _put(plain, figure.name, figure.value)
        return Kind(**plain, figures=figures)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{where}: is not TOML: {error}") from None
    except ValidationError as error:
        model = Figure if error.title == Figure.__name__ else Kind
        raise SettingsError(f"{where}: {'; '.join(complaints(error, model))}") from None


def altered(kind: Kind, changes: Mapping[str, float | bool | str]) -> Kind:
    """Return *kind* with some figures changed by their dotted names; raises SettingsError for what cannot be."""
    if not changes:
        return kind
    document = kind.model_dump(exclude={"figures"})
    known = [name for name in _names(document) if name not in FIXED]
    known += [f"senses.{channel}" for channel in CHANNELS if kind.senses and channel not in kind.senses]
    known += [f"senses_in_session.{channel}" for channel in CHANNELS if channel not in kind.senses_in_session]
    figures = {figure.name: figure for figure in kind.figures}
    for name, value in changes.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise SettingsError(f"{name}: found no such figure, expected one of `fleetbeat kinds {kind.kind}`{hint}")
        _put(document, name, value)
        if name in figures:
            changed = {"value": value, "status": "assumed", "source": "the fleet file"}
            figures[name] = figures[name].model_copy(update=changed)
    try:
        return Kind.model_validate(document | {"figures": tuple(figures.values())})
    except ValidationError as error:
        raise SettingsError("; ".join(complaints(error, Kind))) from None


FIXED = ("kind", "title")
"""What a fleet file cannot change about a kind without making it another one."""


def _flat(table: dict[str, Any], way: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every figure of a table of tables with its dotted name."""
    for key, value in table.items():
        if "value" in value:
            yield way + key, value
        else:
            yield from _flat(value, f"{way}{key}.")


def _names(table: dict[str, Any], way: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _names(value, f"{way}{key}.")
        else:
            yield way + key


def _put(table: dict[str, Any], name: str, value: object) -> None:
    *way, last = name.split(".")
    for step in way:
        table = table.setdefault(step, {})
    table[last] = value

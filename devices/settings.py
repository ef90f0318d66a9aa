"""A fleet file: who exists and how they learn, as frozen records that refuse nonsense."""

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from broker.errors import SettingsError
from broker.topics import NAME, check_name
from devices.kinds import altered, kind_named, kinds
from devices.learning_table import MEASURED, Learning
from devices.spread import KEYS, Spread
from devices.table import Seconds, Settings, finite
from devices.traits import PEOPLE_AT_LARGE, Wearers

EVENTS = (
    "unplug",
    "plug",
    "pick_up",
    "put_down",
    "take_off",
    "put_on",
    "far_link_off",
    "far_link_on",
    "near_link_off",
    "near_link_on",
    "crash",
    "switch_off",
    "switch_on",
)
NIGHTS_FOR_QUALITY = 10
"""Recordings of fewer nights than this cannot teach night-quality: one example a night."""

FIRST_YEAR, LAST_YEAR = 1980, 2200
"""SenML (RFC 8428) takes base times before July 1978 for spans; the end is ours, far away from any overflow."""


def _known_kind(kind: str) -> str:
    if kind not in kinds():
        raise ValueError("no such kind")
    return kind


def _local_time(start: datetime) -> datetime:
    if start.tzinfo is not None or not FIRST_YEAR <= start.year <= LAST_YEAR:
        raise ValueError("not a local time")
    return start


def _flat(figures: Any) -> Any:
    """Take ``ready.min_battery = 1`` for ``"ready.min_battery" = 1``; every value is one number, word or truth."""
    if not isinstance(figures, Mapping):
        return figures
    flat: dict[str, Any] = {}
    for key, value in figures.items():
        if isinstance(value, Mapping) and value and set(value) <= set(KEYS):
            flat[key] = Spread.model_validate(dict(value))
        elif isinstance(value, Mapping):
            flat |= {f"{key}.{rest}": one for rest, one in _flat(value).items()}
        else:
            flat[key] = value
    for key, value in flat.items():
        if not isinstance(value, float | int | str | Spread) or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError(f"{key}: found {value!r}, expected a finite number, true, false or a word")
    return flat


Name = Annotated[str, AfterValidator(check_name), Field(json_schema_extra={"pattern": f"^{NAME}$"})]
KindName = Annotated[
    str, AfterValidator(_known_kind), Field(json_schema_extra=lambda schema: schema.update(enum=[*kinds()]))
]
Changes = Annotated[
    dict[str, float | int | bool | str | Spread],
    BeforeValidator(_flat),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": ["number", "boolean", "string", "object"]}}),
]
Event = Literal[EVENTS]  # type: ignore[valid-type]  # the tuple above is the list of literals


class Wire(Settings):
    """The table ``[wire]``: how readings travel in virtual time; live they are sealed unless the command says not."""

    seal: bool = False


class Group(Settings):
    """One ``[[group]]``: *count* wearers with one device of *kind* each, or one wearer a recorded person.

    *with* are the same wearers' other devices; *set* changes figures of *kind* by their dotted names. All devices of
    the group join on *join_day* (0: they are there at the start) and leave on *leave_day* (None: they stay).
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["count"]}, {"required": ["recordings"]}]})

    kind: KindName
    with_: Annotated[tuple[KindName, ...], Field(max_length=8)] = Field((), alias="with", strict=False)
    count: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    recordings: Path | None = Field(None, strict=False)
    name: Name | None = None
    join_day: Annotated[float, Field(ge=0, le=3_660)] = 0.0
    leave_day: Annotated[float, Field(gt=0, le=3_660)] | None = None
    wearers: Wearers = PEOPLE_AT_LARGE
    set_: Changes = Field(default_factory=dict, alias="set")

    @model_validator(mode="after")
    def _possible(self) -> "Group":
        if (self.count is None) == (self.recordings is None):
            found = "neither count nor recordings" if self.count is None else "both count and recordings"
            raise ValueError(f"found {found}, expected count (how many wearers) or recordings (a folder)")
        if self.recordings is not None and not any(kind_named(kind).senses for kind in (self.kind, *self.with_)):
            raise ValueError(
                f"found recordings and no device that senses, expected one, such as {self.kind} with a band"
            )
        if self.leave_day is not None and self.leave_day <= self.join_day:
            raise ValueError(f"leave_day: found {self.leave_day:g}, expected after join_day, {self.join_day:g}")
        try:
            for end in (0, 1):  # what is drawn lies between: both ends must be devices that can be
                told = {name: one.ends[end] if isinstance(one, Spread) else one for name, one in self.set_.items()}
                altered(kind_named(self.kind), told)
        except SettingsError as error:
            raise ValueError(f"set.{error}") from None
        return self


class GuestApp(Settings):
    """The table ``[app]``: a Flower App of somebody's own, which the fleet trains instead of its own task.

    *path* is the folder of its pyproject.toml; *config* overrides its ``[tool.flwr.app.config]``, nested as there.
    """

    path: Path = Field(strict=False)
    config: Annotated[dict[str, Any], AfterValidator(finite)] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name


class ScriptedEvent(Settings):
    """One ``[[event]]``: a cause, never an outcome."""

    at_s: Seconds
    device: str
    do: Event


class Fleet(Settings):
    """A whole fleet file. *start* is the local time at t_s = 0: a label, without a zone."""

    schema_: Literal[1] = Field(alias="schema")
    name: Name
    seed: Annotated[int, Field(ge=0, le=2**53)] = 7
    start: Annotated[datetime, AfterValidator(_local_time)] = datetime(2026, 1, 5, 18)  # noqa: DTZ001  # a label
    days: Annotated[float, Field(gt=0, le=3_660)] = 4
    ideal: bool = False
    life: Path | None = Field(None, strict=False)
    app: GuestApp | None = None
    learning: Learning = Learning()
    wire: Wire = Wire()
    group: tuple[Group, ...] = Field(min_length=1, strict=False)
    event: tuple[ScriptedEvent, ...] = Field((), strict=False)

    @property
    def subject(self) -> str:
        """What is learnt, in a word: the task, or the app by its name."""
        return self.learning.task if self.app is None else self.app.name

    @model_validator(mode="before")
    @classmethod
    def _an_app_brings_its_own_data(cls, document: Any) -> Any:
        """Whether our examples are there says nothing about whether a guest can train: it has data of its own.

        ``work = "measured"`` sets aside what the file declares, about another task perhaps.
        """
        if not isinstance(document, dict) or document.get("app") is None:
            return document
        app, learning = document["app"], document.get("learning", {})
        if isinstance(app, str):
            document = document | {"app": {"path": app}}
        if not isinstance(learning, dict):
            return document
        told = {key: value for key, value in learning.items() if (key, value) != ("work", MEASURED)}
        return document | {"learning": {"min_examples": 0} | told}

    @model_validator(mode="before")
    @classmethod
    def _recordings_bring_their_own_history(cls, document: Any) -> Any:
        """A recording has its own past, and persons who may be kept aside; a synthetic wearer has neither."""
        if not isinstance(document, dict) or not isinstance(document.get("group"), list):
            return document
        recorded = any(isinstance(group, dict) and "recordings" in group for group in document["group"])
        learning = document.get("learning", {})
        if not isinstance(learning, dict):
            return document
        if recorded and "history_nights" in learning:
            found = learning["history_nights"]
            raise ValueError(
                f"learning.history_nights: found {found!r}, expected none: a recording brings its own past"
            )
        if not recorded and learning.get("test_persons"):
            found = learning["test_persons"]
            raise ValueError(f"learning.test_persons: found {found!r}, expected none: only recordings have persons")
        return document | {"learning": learning | {"history_nights": 0}} if recorded else document

"""A fleet file: who exists and how they learn, as frozen records that refuse nonsense."""

import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from broker.errors import SettingsError
from broker.topics import NAME, check_name
from devices.kinds import altered, kind_named, kinds
from devices.learning.models import LOCAL_EPOCHS
from devices.spread import KEYS, Spread
from devices.traits import PEOPLE_AT_LARGE, Wearers

STRATEGIES = (
    "fedavg",
    "fedprox",
    "fedavgm",
    "fedadam",
    "fedyogi",
    "fedadagrad",
    "qfedavg",
    "fedmedian",
    "fedtrimmedavg",
    "krum",
    "multikrum",
    "bulyan",
    "fedxgbbagging",
    "fedxgbcyclic",
    "dp_fixed",
    "dp_adaptive",
    "dp_client_fixed",
    "dp_client_adaptive",
    "deadline",
    "fedbuff",
    "energy_aware",
    "fair",
)
"""Strategies by name, Flower's and ours; the aggregator has the classes. Anything else is ``path.py:Class``."""

OF_TREES = ("fedxgbbagging", "fedxgbcyclic")
"""Strategies whose updates are boosted trees; all others of these names average arrays."""
TREES = ("xgboost",)
"""Models that are boosted trees."""

MODELS = tuple(LOCAL_EPOCHS)
"""The models by name."""

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
DAY_S = 86_400
NIGHTS_FOR_QUALITY = 10
"""Recordings of fewer nights than this cannot teach night-quality: one example a night."""

MEASURED = "measured"
"""The word that stands for a ``work`` left out, where a Flower App is to be measured."""

FIRST_YEAR, LAST_YEAR = 1980, 2200
"""SenML (RFC 8428) takes base times before July 1978 for spans; the end is ours, far away from any overflow."""


def _known_kind(kind: str) -> str:
    if kind not in kinds():
        raise ValueError("no such kind")
    return kind


def _known_strategy(strategy: str) -> str:
    file, colon, name = strategy.rpartition(":")
    if strategy not in STRATEGIES and not (colon and file.endswith(".py") and name.isidentifier()):
        raise ValueError("no such strategy")
    return strategy


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


def _finite(options: dict[str, Any]) -> dict[str, Any]:
    for key, value in options.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{key}: found {value!r}, expected a finite number")
    return options


Name = Annotated[str, AfterValidator(check_name), Field(json_schema_extra={"pattern": f"^{NAME}$"})]
KindName = Annotated[
    str, AfterValidator(_known_kind), Field(json_schema_extra=lambda schema: schema.update(enum=[*kinds()]))
]
Strategy = Annotated[
    str,
    AfterValidator(_known_strategy),
    WithJsonSchema({"anyOf": [{"enum": list(STRATEGIES)}, {"type": "string", "pattern": r"\.py:[A-Za-z_]\w*$"}]}),
]
Changes = Annotated[
    dict[str, float | int | bool | str | Spread],
    BeforeValidator(_flat),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": ["number", "boolean", "string", "object"]}}),
]
Fraction = Annotated[float, Field(gt=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=3_660 * DAY_S)]
Event = Literal[EVENTS]  # type: ignore[valid-type]  # the tuple above is the list of literals


class Settings(BaseModel):
    """What all tables of a fleet file have in common: frozen, finite, of the right type, no unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True, validate_default=True
    )


class Work(Settings):
    """What one fit stands for on a real device: arithmetic, and megabytes over the far link."""

    gflop: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    mb_down: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    mb_up: Annotated[float, Field(ge=0, le=1e6)] = 0.0


class Learning(Settings):
    """The table ``[learning]``. Moments and spans are seconds of life."""

    task: Literal["night-quality", "sleep-wake", "sleep-stage"] = "night-quality"
    model: Literal[MODELS] = "logistic"  # type: ignore[valid-type]  # the registry is the list of literals
    strategy: Strategy = "fedavg"
    strategy_options: Annotated[dict[str, Any], AfterValidator(_finite)] = Field(default_factory=dict)
    rounds: Annotated[int, Field(ge=1, le=100_000)] = 3
    fraction_train: Fraction = 1.0
    fraction_evaluate: Annotated[float, Field(ge=0, le=1)] = 1.0
    min_train_devices: Annotated[int, Field(ge=1, le=1_000_000)] = 2
    selectable: Literal["reachable", "ready"] = "reachable"
    first_round_s: Seconds = 28_800
    round_every_s: Seconds = 86_400
    round_deadline_s: Annotated[float, Field(gt=0, le=3_660 * DAY_S)] = 14_400
    history_nights: Annotated[int, Field(ge=0, le=3_660)] = 28
    label_source: Literal["truth", "diary"] = "truth"
    epochs: Literal["in_bed", "all"] = "in_bed"
    class_weight: Literal["population", "balanced", "none"] = "population"
    work: Work | None = None
    local_epochs: Annotated[int, Field(ge=1, le=1_000)] = 1
    heartbeat_s: Annotated[float, Field(gt=0, le=DAY_S)] = 30
    poll_s: Annotated[float, Field(ge=0, le=3_600)] = 3
    min_examples: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    test_persons: tuple[str, ...] = Field((), strict=False)

    @model_validator(mode="before")
    @classmethod
    def _as_many_epochs_as_suit_the_model(cls, document: Any) -> Any:
        """Local epochs that nobody asked for are the model's own."""
        if not isinstance(document, dict) or "local_epochs" in document:
            return document
        suits = LOCAL_EPOCHS.get(document.get("model", "logistic"), 1)
        return document | {"local_epochs": suits}

    @model_validator(mode="after")
    def _strategy_fits_the_model(self) -> "Learning":
        """Boosted trees are put side by side, arrays are averaged; what one's own strategy does, nobody knows."""
        trees = self.model in TREES
        if self.strategy in STRATEGIES and trees != (self.strategy in OF_TREES):
            fitting = "boosted trees (model = xgboost)" if not trees else "models that are arrays of numbers"
            expected = ", ".join(OF_TREES) if trees else "any other strategy"
            raise ValueError(
                f"strategy: found {self.strategy!r}, which is for {fitting}, "
                f"expected {expected} with model {self.model!r}"
            )
        return self

    @model_validator(mode="after")
    def _the_rest_fits_the_model(self) -> "Learning":
        """Flower's bagging takes the first tree of each device's reply; a sequence needs epochs."""
        if self.strategy == "fedxgbbagging" and self.local_epochs != 1:
            raise ValueError(
                f'local_epochs: found {self.local_epochs} with strategy "fedxgbbagging", expected 1: '
                "it takes one tree of each device a round"
            )
        if self.model == "lstm" and self.task == "night-quality":
            raise ValueError(
                'model: found "lstm" for task "night-quality", expected task = "sleep-wake" or "sleep-stage": '
                "it reads the epochs of a night one after the other"
            )
        return self


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
    config: Annotated[dict[str, Any], AfterValidator(_finite)] = Field(default_factory=dict)

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

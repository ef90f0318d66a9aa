"""The table ``[learning]`` of a fleet file: what is learnt, by which model and strategy, and when."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from devices.learning.models import LOCAL_EPOCHS
from devices.table import DAY_S, Fraction, Seconds, Settings, finite

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
    "energy-aware",
    "fair",
)
"""Strategies by name, Flower's and ours; the aggregator has the classes. Anything else is ``path.py:Class``."""

OF_TREES = ("fedxgbbagging", "fedxgbcyclic")
"""Strategies whose updates are boosted trees; all others of these names average arrays."""
TREES = ("xgboost",)
"""Models that are boosted trees."""

MODELS = tuple(LOCAL_EPOCHS)
"""The models by name."""

MEASURED = "measured"
"""The word that stands for a ``work`` left out, where a Flower App is to be measured."""


def _known_strategy(strategy: str) -> str:
    file, colon, name = strategy.rpartition(":")
    if strategy not in STRATEGIES and not (colon and file.endswith(".py") and name.isidentifier()):
        raise ValueError("no such strategy")
    return strategy


Strategy = Annotated[
    str,
    AfterValidator(_known_strategy),
    WithJsonSchema({"anyOf": [{"enum": list(STRATEGIES)}, {"type": "string", "pattern": r"\.py:[A-Za-z_]\w*$"}]}),
]


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
    strategy_options: Annotated[dict[str, Any], AfterValidator(finite)] = Field(default_factory=dict)
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

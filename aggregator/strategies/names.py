"""Strategies by name: Flower's own and ours, with the options a fleet file may give, or one of your own from a file."""

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_origin

from flwr.serverapp import strategy as flower
from flwr.serverapp.strategy import Strategy

from aggregator.strategies import private
from aggregator.strategies.deadline import Deadline
from aggregator.strategies.energy_aware import EnergyAware
from aggregator.strategies.fair import Fair
from aggregator.strategies.fedbuff import FedBuff
from aggregator.strategy_file import strategy_class
from broker.errors import SettingsError

Options: TypeAlias = Mapping[str, Any]
Made = TypeVar("Made", bound=Strategy)

_PLAIN: dict[str, type[Strategy]] = {
    "fedavg": flower.FedAvg,
    "fedprox": flower.FedProx,
    "fedavgm": flower.FedAvgM,
    "fedadam": flower.FedAdam,
    "fedyogi": flower.FedYogi,
    "fedadagrad": flower.FedAdagrad,
    "qfedavg": flower.QFedAvg,
    "fedmedian": flower.FedMedian,
    "fedtrimmedavg": flower.FedTrimmedAvg,
    "krum": flower.Krum,
    "multikrum": flower.MultiKrum,
    "bulyan": flower.Bulyan,
    "fedxgbbagging": flower.FedXgbBagging,
    "fedxgbcyclic": flower.FedXgbCyclic,
}
_PRIVATE: dict[str, type[private.WithoutErrors]] = {
    "dp_fixed": private.ServerSideFixedClipping,
    "dp_adaptive": private.ServerSideAdaptiveClipping,
    "dp_client_fixed": private.ClientSideFixedClipping,
    "dp_client_adaptive": private.ClientSideAdaptiveClipping,
}
"""Wrap FedAvg: the server, or the device, clips each update, and the server adds noise to their mean."""

OURS: dict[str, type[Strategy]] = {
    "deadline": Deadline,
    "fedbuff": FedBuff,
    "energy-aware": EnergyAware,
    "fair": Fair,
}
"""What Flower does not ship."""

STRATEGIES = (*_PLAIN, *_PRIVATE, *OURS)
"""All names that a fleet file may use."""

NOISE_MULTIPLIER = 1.0
"""Flower's documentation recommends 1.0 or higher for strong privacy."""

_OWNED = {
    "fraction_train": "fraction_train",
    "fraction_evaluate": "fraction_evaluate",
    "min_train_nodes": "min_train_devices",
}
"""Constructor parameters that have a key of their own under [learning]."""
_FIXED = frozenset({"self", "strategy", "weighted_by_key", "arrayrecord_key", "configrecord_key", "train_loss_key"})
"""Constructor parameters that belong to the agreement with the ClientApp."""
_SCALARS: dict[str, tuple[type, ...]] = {"float": (int, float), "int": (int,), "bool": (bool,), "str": (str,)}
"""What a value in a TOML file may be, by the annotation of the parameter it is for."""


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """How many devices take part; *devices* is how many could train at all."""

    devices: int
    fraction_train: float = 1.0
    fraction_evaluate: float = 1.0
    min_train_devices: int = 2

    @property
    def planned(self) -> int:
        """How many devices one round is meant to have."""
        return max(int(self.devices * self.fraction_train), self.min_train_devices)


def check_strategy(name: str, options: Options) -> None:
    """Raise SettingsError unless *name* is a strategy that takes *options*."""
    make_strategy(name, options, Cohort(devices=2))


def make_strategy(name: str, options: Options, cohort: Cohort, tally: Callable[..., Any] | None = None) -> Strategy:
    """Return the strategy of that name (or ``path.py:Class``), with *options* of its constructor.

    *tally* becomes its ``train_metrics_aggr_fn``, if it has one. Evaluation asks whoever is there (one node is
    enough), so that it never stalls a run. Raises SettingsError, naming what was found and what was expected.
    """
    if ".py" in name:
        return _built(strategy_class(name), name, options, cohort, tally)
    if name in _PLAIN or name in OURS:
        return _built((_PLAIN | OURS)[name], name, options, cohort, tally)
    if name in _PRIVATE:
        return _wrapped(_PRIVATE[name], name, options, cohort, tally)
    raise SettingsError(
        f"learning.strategy: found {name!r}{_did_you_mean(name, STRATEGIES)} "
        f"(expected one of {', '.join(STRATEGIES)}, or path.py:Class)"
    )


def is_asynchronous(name: str) -> bool:
    """Whether the strategy of that name (or ``path.py:Class``) says so: its class has ``asynchronous = True``.

    Its rounds are versions of the model, which follow each other without a calendar.
    """
    found: object = strategy_class(name) if ".py" in name else OURS.get(name)
    return bool(getattr(found, "asynchronous", False))


def _wrapped(
    wrapper: type[private.WithoutErrors], name: str, options: Options, cohort: Cohort, tally: Callable[..., Any] | None
) -> Strategy:
    """Return FedAvg inside one of Flower's wrappers; options go to whichever of the two knows them."""
    own = {key: value for key, value in options.items() if key in _settable(wrapper)}
    inner_options = {key: value for key, value in options.items() if key not in own}
    _check(name, inner_options, {**_settable(flower.FedAvg), **_settable(wrapper)})
    _check(name, own, _settable(wrapper))
    inner = _built(flower.FedAvg, name, inner_options, cohort, tally)
    noise = float(own.get("noise_multiplier", NOISE_MULTIPLIER))
    defaults: dict[str, Any] = {
        "noise_multiplier": noise,
        "clipping_norm": 1.0,
        "num_sampled_clients": cohort.planned,
        "clipped_count_stddev": max(cohort.planned / 20, noise),  # Flower's twentieth is too little below 10 devices
    }
    known = _parameters(wrapper)
    strategy = _constructed(wrapper, name, {**_only(defaults, known), **own, "strategy": inner})
    strategy.noise_follows_answers = "num_sampled_clients" not in own
    return strategy


def _built(
    cls: type[Strategy], name: str, options: Options, cohort: Cohort, tally: Callable[..., Any] | None
) -> Strategy:
    _check(name, options, _settable(cls))
    given: dict[str, Any] = {
        "fraction_train": cohort.fraction_train,
        "fraction_evaluate": cohort.fraction_evaluate,
        "min_train_nodes": cohort.min_train_devices,
        "min_evaluate_nodes": 1,
        "min_available_nodes": 1,
        "client_learning_rate": 1.0,
    }
    if tally is not None:
        given["train_metrics_aggr_fn"] = tally
    return _constructed(cls, name, {**_only(given, _parameters(cls)), **options})


def _constructed(cls: type[Made], name: str, arguments: Mapping[str, Any]) -> Made:
    try:
        return cls(**arguments)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"learning.strategy_options of {name}: {error}") from error


def _settable(cls: type[Strategy]) -> dict[str, str | tuple[str, ...]]:
    """Return the options of a strategy that a fleet file may set: name → what it has to be, or one of which words."""
    options: dict[str, str | tuple[str, ...]] = {}
    for parameter in _parameters(cls).values():
        if parameter.name in _FIXED or parameter.name in _OWNED:
            continue
        annotation = parameter.annotation
        kind = getattr(annotation, "__name__", str(annotation)).removesuffix(" | None")
        if get_origin(annotation) is Literal:
            options[parameter.name] = get_args(annotation)
        elif kind in _SCALARS or annotation is inspect.Parameter.empty:
            options[parameter.name] = kind
    return options


def _check(name: str, options: Options, settable: Mapping[str, str | tuple[str, ...]]) -> None:
    for key, value in options.items():
        where = f"learning.strategy_options.{key}"
        if key in _OWNED:
            raise SettingsError(f"{where}: set learning.{_OWNED[key]} instead")
        if key not in settable:
            expected = f"(expected one of {', '.join(settable)})" if settable else "(it takes none)"
            raise SettingsError(f"{where}: {name} has no such option{_did_you_mean(key, settable)} {expected}")
        kind = settable[key]
        if isinstance(kind, tuple):
            if value not in kind:
                hint = _did_you_mean(str(value), kind)
                raise SettingsError(f"{where}: found {value!r}{hint} (expected one of {', '.join(kind)})")
            continue
        allowed = _SCALARS.get(kind)
        if allowed is not None and type(value) not in allowed:  # to isinstance, true is an int
            raise SettingsError(f"{where}: found {value!r}, expected {kind}")


def _parameters(cls: type[Strategy]) -> dict[str, inspect.Parameter]:
    """Return what a constructor takes, and what its parent's does where it passes ``**options`` on."""
    known: dict[str, inspect.Parameter] = {}
    for ancestor in cls.__mro__:
        if "__init__" not in vars(ancestor):
            continue
        own = inspect.signature(vars(ancestor)["__init__"]).parameters
        passed_on = [name for name, parameter in own.items() if parameter.kind is inspect.Parameter.VAR_KEYWORD]
        known = {**own, **known}
        if not passed_on:
            break
    return {name: parameter for name, parameter in known.items() if parameter.kind not in _VARIADIC}


_VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def _only(defaults: Mapping[str, Any], known: Mapping[str, object]) -> dict[str, Any]:
    return {key: value for key, value in defaults.items() if key in known}


def _did_you_mean(found: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    close = difflib.get_close_matches(found, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""

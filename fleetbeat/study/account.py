"""The account of a run as a study compares it: rounds, outcomes, energy, bytes, deliveries, flat batteries."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from aggregator.accounting import OUTCOMES, PHASES
from broker.events import BatteryEmpty, Event, ModelScored
from fleetbeat.population import Population
from fleetbeat.study.cell import KindLived, Lived, Moment
from fleetbeat.study.energy import DAY_S, Ordinary, by_kind
from fleetbeat.world import World


class FlatBatteries:
    """Hears of everything, and remembers the moments at which batteries went flat."""

    def __init__(self) -> None:
        self.flat_s: dict[str, list[float]] = {}

    def hear(self, event: Event) -> None:
        """Take note of *event*."""
        if isinstance(event, BatteryEmpty) and event.device is not None:
            self.flat_s.setdefault(event.device, []).append(event.t_s)


def lived(
    world: World, cause: str, flat_s: Mapping[str, Sequence[float]], ordinary: Ordinary | None, days: float
) -> Lived:
    """Return what the account of *world* says after its run; *ordinary* and *days* as in `energy.by_kind`."""
    account, rounds = world.account, world.account.rounds
    outcomes = dict.fromkeys(OUTCOMES, 0)
    learning_j: dict[str, float] = {}
    delivered = dict.fromkeys(world.buffers, 0)
    for trail in account.trails():
        learning_j[trail.device] = learning_j.get(trail.device, 0.0) + trail.energy_j
        if trail.phase == "train":
            outcomes[trail.outcome] += 1
            delivered[trail.device] += trail.outcome == "delivered"
    spent = [account.energy_j(number, phase) for number in rounds for phase in PHASES]
    carried = [account.traffic_bytes(number, phase) for number in rounds for phase in PHASES]
    reports = world.reports()
    return Lived(
        virtual_s=world.now_s,
        ended=cause,
        rounds=len(rounds),
        aggregated_rounds=sum(1 for line in rounds.values() if line.updates),
        selected=sum(line.selected["train"] for line in rounds.values()),
        outcomes=outcomes,
        learning_j=sum(joules for joules, _ in spent),
        wasted_j=sum(joules for _, joules in spent),
        life_j=sum(report.life_j for report in reports.values()),
        bytes_down=sum(down for down, _ in carried),
        bytes_up=sum(up for _, up in carried),
        delivered=delivered,
        kinds=by_kind(world.residents, reports, learning_j, days, world.now_s, ordinary),
        deaths=_days(flat_s),
    )


def lived_without_learning(population: Population) -> Lived:
    """Return the same of days on which nobody ever asked a device to learn."""
    trainers = [device for device in population.residents if device.kind.trains]
    devices = Counter(device.kind.kind for device in trainers)
    return Lived(
        virtual_s=population.fleet.days * DAY_S,
        ended="days_over",
        rounds=0,
        aggregated_rounds=0,
        selected=0,
        outcomes=dict.fromkeys(OUTCOMES, 0),
        learning_j=0.0,
        wasted_j=0.0,
        life_j=sum(population.life_j.values()),
        bytes_down=0,
        bytes_up=0,
        delivered=dict.fromkeys((device.name for device in trainers), 0),
        kinds={kind: KindLived(count, 0.0, 0.0, 0.0) for kind, count in devices.items()},
        deaths=_days(population.flat_s),
    )


def curve(world: World) -> Iterator[Moment]:
    """Yield how good the global model was on strangers, from before the first round to after the last."""
    if world.account.baseline is not None:
        yield _moment(world.account.baseline)
    for number in sorted(world.account.rounds):
        score = world.account.rounds[number].score
        if score is not None:
            yield _moment(score)


def _moment(score: ModelScored) -> Moment:
    return Moment(score.round, score.t_s, _known(score.balanced_accuracy), _known(score.auc))


def _known(figure: float) -> float | None:
    return None if math.isnan(figure) else figure


def _days(flat_s: Mapping[str, Sequence[float]]) -> dict[str, list[int]]:
    return {device: sorted({int(t_s // DAY_S) for t_s in moments}) for device, moments in sorted(flat_s.items())}

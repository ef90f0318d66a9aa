"""The tables of a run folder, written from the account, the devices' figures and their life logs."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from aggregator.accounting import OUTCOMES, Account
from aggregator.trail import Trail
from devices.figures import Report
from devices.lifelog import Lived
from devices.residents import Device

ROUNDS = (
    "round,t_start_s,t_end_s,reachable,ready,selected,"
    + ",".join(OUTCOMES)
    + ",aggregated,examples,server_loss,server_accuracy,server_balanced_accuracy,server_auc,server_kappa,"
    "majority_share,clients_loss,clients_accuracy,energy_j,wasted_j,bytes_down,bytes_up"
)
OUTCOME_LINES = (
    "round,phase,device,outcome,reason,t_selected_s,t_end_s,local_time,battery,link,examples,examples_fresh,loss,accuracy,"
    "compute_s,transfer_s,energy_j,bytes_down,bytes_up"
)
DEVICES = (
    "device,kind,group,wearer,selected,delivered,readings_sensed,readings_sent,readings_buffered,readings_dropped,"
    "readings_in_flight,examples,online_share,charging_share,worn_share,battery_min,battery_deaths,life_j,training_j,radio_j,"
    "sensing_j,wasted_j,bytes_up,bytes_down,accuracy"
)
LIFE = "device,from_s,to_s,power,charging,battery_start,battery_end,near_link,far_link,place,worn,in_use,ready,why_not"


def round_lines(account: Account, clients: dict[int, dict[str, Any]]) -> Iterator[Sequence[object]]:
    """Yield rounds.csv; *clients* has Flower's federated metrics by round."""
    for number in sorted(account.rounds):
        line = account.rounds[number]
        outcomes = account.outcomes(number, "train")
        energy_j, wasted_j = account.energy_j(number, "train")
        bytes_down, bytes_up = account.traffic_bytes(number, "train")
        score, federated = line.score, clients.get(number, {})
        yield (
            number,
            line.t_start_s,
            line.t_end_s,
            line.reachable,
            line.ready,
            line.selected["train"],
            *outcomes.values(),
            line.updates,
            line.examples,
            *(
                (score.loss, score.accuracy, score.balanced_accuracy, score.auc, score.kappa, score.majority_share)
                if score
                else (None,) * 6
            ),
            federated.get("loss"),
            federated.get("accuracy"),
            energy_j,
            wasted_j,
            bytes_down,
            bytes_up,
        )


def outcome_lines(account: Account, start: datetime, devices: Collection[str]) -> Iterator[Sequence[object]]:
    """Yield outcomes.csv: every device-round that has ended, in the order of selection.

    Of a node that is none of the fleet's *devices* nobody knows what it went through: a live server alone saw it.
    """
    for trail in account.trails():
        if not trail.outcome:
            continue
        stranger = trail.device not in devices
        yield (
            trail.round,
            trail.phase,
            trail.device,
            trail.outcome,
            trail.reason,
            trail.t_selected_s,
            trail.t_end_s,
            local_time(start, trail.t_end_s),
            *((None,) * 2 if stranger else (trail.battery, trail.link)),
            trail.examples,
            trail.examples_fresh,
            trail.loss,
            trail.accuracy,
            *((None,) * 5 if stranger else _spent(trail)),
        )


def _spent(trail: Trail) -> Sequence[object]:
    return trail.compute_s, trail.transfer_s, trail.energy_j, trail.bytes_down, trail.bytes_up


def device_lines(
    account: Account, devices: Iterable[tuple[Device, Report]], now_s: float
) -> Iterator[Sequence[object]]:
    """Yield devices.csv as things stand at *now_s*."""
    selected: dict[str, int] = {}
    delivered: dict[str, int] = {}
    wasted_j: dict[str, float] = {}
    accuracy: dict[str, float | None] = {}
    for trail in account.trails():
        name = trail.device
        if trail.phase == "train":
            selected[name] = selected.get(name, 0) + 1
            delivered[name] = delivered.get(name, 0) + (trail.outcome == "delivered")
        if trail.outcome and trail.outcome != "delivered":
            wasted_j[name] = wasted_j.get(name, 0.0) + trail.energy_j
        if trail.accuracy is not None and (trail.phase == "evaluate" or name not in accuracy):
            accuracy[name] = trail.accuracy
    span_s = now_s or 1.0
    for device, report in devices:
        figures = report.figures
        yield (
            device.name,
            device.kind.kind,
            device.group,
            device.wearer,
            selected.get(device.name, 0),
            delivered.get(device.name, 0),
            figures.readings_sensed,
            figures.readings_sent,
            figures.readings_buffered,
            figures.readings_dropped,
            figures.readings_in_flight,
            report.examples,
            figures.online_s / span_s,
            figures.charging_s / span_s,
            figures.worn_s / span_s,
            figures.battery_min,
            figures.battery_deaths,
            report.life_j,
            report.training_j,
            report.radio_j,
            report.sensing_j,
            wasted_j.get(device.name, 0.0),
            figures.bytes_up,
            figures.bytes_down,
            accuracy.get(device.name),
        )


def life_lines(lived: Iterable[Lived]) -> Iterator[Sequence[object]]:
    """Yield life.csv."""
    for line in lived:
        life = line.life
        yield (
            line.device,
            line.from_s,
            line.to_s,
            line.power,
            life.charging,
            line.battery_start,
            line.battery_end,
            life.near_link,
            life.far_link,
            life.place,
            life.worn,
            life.in_use,
            line.why_not is None,
            line.why_not,
        )


def local_time(start: datetime, t_s: float) -> str:
    """Return the wearer's local time at *t_s*, to the second."""
    return (start + timedelta(seconds=int(t_s))).isoformat()

"""Energy of learning: what it took from the devices of each kind, beside the same days without learning."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from devices.figures import Report
from devices.residents import Device
from fleetbeat.study.cell import KindLived

DAY_S = 86_400.0
DAY_MIN = 1_440.0
MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Ordinary:
    """The same days without learning: device → joules that it drew a day."""

    j_a_day: Mapping[str, float]


def by_kind(
    devices: Iterable[Device],
    reports: Mapping[str, Report],
    learning_j: Mapping[str, float],
    days: float,
    lived_s: float,
    ordinary: Ordinary | None,
) -> dict[str, KindLived]:
    """Return what learning took from the devices of each kind that trains, spread over the study's *days* of learning.

    They are the same for all arms: one that had its rounds in the first hours is not dearer for it, nor is one cheaper
    that lived (*lived_s*) to the end.
    *learning_j* is what each device spent on tasks of the server: computing, and the far radio. What it streams over
    its near link it streams without learning too. Without *ordinary* (a world whose days are its own: always on
    mains, or other devices) the device's own days less *learning_j* stand in for them.
    """
    lived_days = max(lived_s / DAY_S, 1e-9)
    kinds: dict[str, list[tuple[float, float]]] = {}
    for device in (device for device in devices if device.kind.trains):
        report, spent_j = reports[device.name], learning_j.get(device.name, 0.0)
        usual_j = (report.life_j - spent_j) / lived_days if ordinary is None else ordinary.j_a_day[device.name]
        share = spent_j / days / usual_j if usual_j > 0 else 0.0
        mb = (report.figures.bytes_up + report.figures.bytes_down) / 1e6 / days * MONTH_DAYS
        kinds.setdefault(device.kind.kind, []).append((share, mb))
    return {kind: _mean(alike) for kind, alike in kinds.items()}


def _mean(alike: list[tuple[float, float]]) -> KindLived:
    share = sum(share for share, _ in alike) / len(alike)
    return KindLived(
        devices=len(alike),
        battery_min_a_day=share * DAY_MIN,
        battery_day_share=share,
        mb_a_month=sum(mb for _, mb in alike) / len(alike),
    )

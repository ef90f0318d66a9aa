"""Energy-aware: who is ready, charged and quick is asked; without reports it is FedAvg."""

from collections import Counter
from typing import Any

import pytest

from aggregator.strategies.energy_aware import EnergyAware
from broker import events as ev
from broker.messages import Telemetry
from tests.aggregator.fleet import Fleet

HALF = {"fraction_train": 0.5, "fraction_evaluate": 0.0}


def report(**changes: Any) -> Telemetry:
    told: dict[str, Any] = {
        "t_s": 0.0,
        "battery": 1.0,
        "charging": False,
        "near_link": True,
        "far_link": "wifi",
        "buffer": 10,
        "outbox": 0,
        "ready": True,
        "why_not": None,
        "node_id": None,
        "expected_train_s": 600.0,
    }
    return Telemetry(**{**told, **changes})


def tell(fleet: Fleet, **reports: Telemetry) -> None:
    """Let devices (phone_1 …) report."""
    for name, told in reports.items():
        fleet.readiness.told[fleet.devices[name.replace("_", "-")].uplink.node_id] = told


def selected(fleet: Fleet) -> Counter[str]:
    return Counter(event.device for event in fleet.events(ev.DeviceSelected))


@pytest.mark.virtual_time
async def test_who_is_not_ready_is_not_asked() -> None:
    fleet = Fleet(4)
    tell(fleet, phone_1=report(ready=False, why_not="not_charging"), phone_2=report(), phone_3=report())

    await fleet.learn("energy-aware", rounds=6, cohort={"fraction_train": 1.0, "fraction_evaluate": 0.0})

    assert selected(fleet) == {"phone-2": 6, "phone-3": 6, "phone-4": 6}, "phone-4 says nothing, and may be ready"


@pytest.mark.virtual_time
async def test_no_fewer_are_asked_than_the_least_number() -> None:
    fleet = Fleet(4)
    tell(fleet, **{f"phone_{number}": report(ready=False) for number in range(1, 5)})

    await fleet.learn("energy-aware", rounds=1, cohort={"min_train_devices": 3, "fraction_evaluate": 0.0})

    assert len(selected(fleet)) == 3


@pytest.mark.virtual_time
async def test_full_and_quick_ones_are_drawn_more_often() -> None:
    fleet = Fleet(6)
    weak = {f"phone_{number}": report(battery=0.1, expected_train_s=1_200.0) for number in (1, 2, 3)}
    tell(fleet, **weak, **{f"phone_{number}": report(charging=True) for number in (4, 5, 6)})

    await fleet.learn("energy-aware", rounds=40, round_every_s=100.0, cohort=HALF)

    drawn = selected(fleet)
    weak_ones = sum(drawn[f"phone-{number}"] for number in (1, 2, 3))
    assert 0 < weak_ones < sum(drawn.values()) / 4


@pytest.mark.virtual_time
async def test_without_reports_it_does_what_fedavg_does() -> None:
    fleets = Fleet(6), Fleet(6)

    await fleets[0].learn("energy-aware", rounds=4, cohort=HALF)
    diary = fleets[0].diary
    await fleets[1].learn("fedavg", rounds=4, cohort=HALF)

    assert [vars_of(event) for event in diary if isinstance(event, ev.DeviceSelected)] == [
        vars_of(event) for event in fleets[1].diary if isinstance(event, ev.DeviceSelected)
    ]


def vars_of(event: ev.DeviceSelected) -> tuple[Any, ...]:
    return event.device, event.round, event.phase


def test_a_charger_counts_as_a_full_battery_and_slowness_by_its_square() -> None:
    strategy = EnergyAware(battery_weight=0.5)
    reports = {
        1: report(battery=0.2, charging=True),
        2: report(battery=0.2),
        3: report(battery=1.0, expected_train_s=1_200.0),
    }

    scores = strategy.scores([1, 2, 3, 4], reports)

    assert scores == pytest.approx({1: 1.0, 2: 0.6, 3: 0.5 + 0.5 * 0.25, 4: (1.0 + 0.6 + 0.625) / 3})

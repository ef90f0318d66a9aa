"""What must hold in every life, whoever lives it: of small households, drawn by Hypothesis."""

import itertools
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker import events as ev
from broker.access import Access
from broker.memory import MemoryBroker, MemoryWire
from devices.body import CHANNELS, SyntheticBody
from devices.body.sensor import SENSED
from devices.hardware.battery import Battery
from devices.host import Host
from devices.kinds import kind_named, kinds
from devices.lifelog import Lived
from devices.power import Power
from devices.residents import residents
from devices.settings import Fleet
from devices.storage.store import MemoryStore
from devices.surroundings import Surroundings
from devices.table import DAY_S
from fleetbeat.clock import run_virtual
from fleetbeat.population import NoServer

TRAINERS = st.sampled_from(sorted(kind.kind for kind in kinds().values() if kind.trains))
WORN = st.sampled_from(["band", "ring", "ring-early"])
JOINS = st.sampled_from([0.0, 0.3])


def household(seed: int, trainer: str, worn: str, join_day: float) -> Fleet:
    group = {"kind": trainer, "with": [worn], "count": 1, "join_day": join_day}
    learning = {"history_nights": 0}
    return Fleet.model_validate(
        {"schema": 1, "name": "x", "seed": seed, "days": 1.5, "group": [group], "learning": learning}
    )


def lived(fleet: Fleet) -> tuple[list[Lived], list[ev.BatchSent]]:
    here = residents(fleet)
    access = Access(fleet.name, {r.name: [other.name for other in here if other.trainer == r.name] for r in here})
    sent: list[ev.BatchSent] = []
    numbers = itertools.count(1)
    wire = MemoryWire(MemoryBroker(access))

    def record(event: ev.Event) -> None:
        if isinstance(event, ev.BatchSent):
            sent.append(event)

    lines: list[Lived] = []
    around = Surroundings(
        wire=wire,
        uplink_of=lambda _: NoServer(next(numbers)),
        app=NoServer(0),
        store=MemoryStore(fleet.name),
        record=record,
        lived=lines.append,
    )
    host = Host(fleet, here, around)

    async def live() -> None:
        await host.live(fleet.days * DAY_S)
        await host.finish(fleet.days * DAY_S)
        await wire.close()

    run_virtual(live())
    return lines, sent


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), trainer=TRAINERS, worn=WORN, join_day=JOINS)
def test_lives_tile_their_days_batteries_stay_in_their_case_and_nothing_is_sent_into_the_void(
    seed: int, trainer: str, worn: str, join_day: float
) -> None:
    fleet = household(seed, trainer, worn, join_day)

    lines, sent = lived(fleet)

    by_device = {name: [line for line in lines if line.device == name] for name in {line.device for line in lines}}
    for own in by_device.values():
        assert own[0].from_s == 0
        assert own[-1].to_s == fleet.days * DAY_S
        for before, after in pairwise(own):
            assert before.to_s == after.from_s
            assert before.battery_end == after.battery_start
        for line in own:
            assert 0 <= line.battery_start <= 1
            assert 0 <= line.battery_end <= 1
            if not line.life.charging:
                assert line.battery_end <= line.battery_start
    hub = by_device[f"{trainer}-1"]
    for batch in sent:
        if batch.device == f"{worn}-1":
            (own_life,) = [line for line in by_device[batch.device] if line.from_s < batch.t_s <= line.to_s]
            (hub_life,) = [line for line in hub if line.from_s < batch.t_s <= line.to_s]
            assert own_life.power
            assert own_life.life.near_link
            assert hub_life.power
            assert batch.t_s >= join_day * DAY_S


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), day=st.integers(-30, 30))
def test_no_signal_is_outside_what_a_sensor_can_show(seed: int, day: int) -> None:
    body = SyntheticBody(seed, "wearer-1", household(seed, "phone", "band", 0.0).start)

    for channel in SENSED:
        _, values = body.readings(channel, day * DAY_S, (day + 1) * DAY_S, 30)
        assert CHANNELS[channel].low <= values.min()
        assert values.max() <= CHANNELS[channel].high


STEPS = st.lists(
    st.tuples(st.sampled_from(["idle", "in_use", "training"]), st.floats(0, 4_000), st.sampled_from([0.0, 10_000.0])),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=30)
@given(steps=STEPS, share=st.floats(0.05, 1))
def test_what_was_charged_less_what_was_drawn_is_the_change(
    steps: list[tuple[str, float, float]], share: float
) -> None:
    phone = kind_named("phone")
    capacity_j = phone.capacity_wh * 3_600
    power = Power(phone, Battery(capacity_j, capacity_j * share))
    level_j, loads, now = capacity_j * share, dict.fromkeys(("idle", "in_use", "training"), 0.0), 0

    for cause, draw_mw, charge_mw in steps:
        power.load(cause, draw_mw, float(now))
        power.charge(charge_mw, float(now))
        loads[cause] = draw_mw
        for _ in range(0, 1_800, 10):  # the same, in small steps
            spare_w = (charge_mw - sum(loads.values())) / 1_000
            taken_w = charge_mw / 1_000 * (1 - level_j / capacity_j) / (1 - phone.taper_from)
            level_j = min(max(level_j + 10 * min(spare_w, taken_w if spare_w > 0 else spare_w), 0.0), capacity_j)
        now += 1_800
        power.advance(float(now))

    assert power.share == pytest.approx(level_j / capacity_j, abs=2e-3)

"""NVFlare's edge example, whose round time has a closed form: sixteen devices that answer after a known delay.

`examples/advanced/edge/README.md` of NVIDIA/NVFlare: a task takes N(m, s) + N(5, 1) seconds, each cut at 0, with (m, s)
one of (100, 1), (200, 2), (400, 4); five devices are of the first sort, five of the second, six of the third. A round
lasts until the last of all sixteen has answered. It prints 408.4 s, from the largest of three N(400, 4). Exactly it is
the largest of six N(405, √17): 405 + 1.26721 · √17 = 410.22 s, standard deviation .6416 · √17 = 2.65 s (normal order
statistics: Harter 1961).
"""

import math
import random
from statistics import mean

import pytest
from flwr.app import Message

from broker import events as ev
from tests.aggregator.fleet import FakeDevice, Fleet, answer

pytestmark = pytest.mark.virtual_time

SORTS = [(100.0, 1.0)] * 5 + [(200.0, 2.0)] * 5 + [(400.0, 4.0)] * 6
ROUNDS, SEEDS = 10, 12
EXPECTED_S = 405 + 1.26721 * math.sqrt(17)
SD_S = 0.6416 * math.sqrt(17)


def edge(seed: int) -> Fleet:
    """Return the sixteen devices; each draws its next delay when it has answered."""
    fleet = Fleet(len(SORTS), seed=seed, poll_s=0.0)
    drawn = random.Random(seed)

    def settle(device: FakeDevice, sort: tuple[float, float]) -> None:
        device.work_s = max(0.0, drawn.gauss(*sort)) + max(0.0, drawn.gauss(5.0, 1.0))

        def answers(message: Message) -> Message:
            settle(device, sort)
            return answer(message)

        device.answering = answers

    for device, sort in zip(fleet.devices.values(), SORTS, strict=True):
        settle(device, sort)
    return fleet


def round_times(fleet: Fleet) -> list[float]:
    """How long each round took."""
    starts = [event.t_s for event in fleet.events(ev.SelectionMade)]
    return [event.t_s - start_s for start_s, event in zip(starts, fleet.events(ev.RoundEnded), strict=True)]


async def test_a_synchronous_round_takes_as_long_as_the_largest_of_six_delays() -> None:
    times: list[float] = []
    for seed in range(SEEDS):
        fleet = edge(seed)
        await fleet.learn(
            rounds=ROUNDS,
            deadline_s=3_600,
            first_round_s=0,
            round_every_s=0,
            poll_s=0,
            cohort={"fraction_evaluate": 0.0},
        )
        times += round_times(fleet)

    standard_error_s = SD_S / math.sqrt(len(times))  # .24 s: six hundredths of a percent
    assert len(times) == ROUNDS * SEEDS
    assert abs(mean(times) - EXPECTED_S) < 3 * standard_error_s

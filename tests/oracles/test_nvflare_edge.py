"""NVFlare's edge example, whose times have a closed form: sixteen devices that answer after a known delay.

`examples/advanced/edge/README.md` of NVIDIA/NVFlare: a task takes N(m, s) + N(5, 1) seconds, each cut at 0, with (m, s)
one of (100, 1), (200, 2), (400, 4); five devices are of the first sort, five of the second, six of the third. Nobody
polls there, and fits take no time of their own: so it is here.

Synchronous: a round lasts until the last of all sixteen has answered. It prints 408.4 s, from the largest of three
N(400, 4). Exactly it is the largest of six N(405, √17): 405 + 1.26721 · √17 = 410.22 s, standard deviation
.6416 · √17 = 2.65 s (normal order statistics: Harter 1961).

Asynchronous: a new version after each single update, given at once to the device that answered. Here that is FedBuff
with a buffer of 1, all sixteen at work, and their server learning rate of 0.05. It prints 238.3 s for sixteen updates,
2,383 s for 160: the mean over *devices*, though quick ones answer more often. Exactly, the 160th update is the 19th of
the quickest of the five fast devices, when each middle one has sent nine and each slow one four (91 + 45 + 24 updates):
the smallest of five N(19 · 105, √38), 1,995 − 1.16296 · √38 = 1,987.8 s, standard deviation .6690 · √38 = 4.1 s.
"""

import math
import random
from collections import Counter
from statistics import mean

import pytest
from flwr.app import Message

from broker import events as ev
from tests.aggregator.fleet import FakeDevice, Fleet, answer

pytestmark = pytest.mark.virtual_time

SORTS = [(100.0, 1.0)] * 5 + [(200.0, 2.0)] * 5 + [(400.0, 4.0)] * 6
ROUNDS, SEEDS = 10, 12
ROUND_S, SD_OF_ROUND_S = 405 + 1.26721 * math.sqrt(17), 0.6416 * math.sqrt(17)
UPDATES = {"fast": 91, "middle": 45, "slow": 24}
LAST_S, SD_OF_LAST_S = 1_995 - 1.16296 * math.sqrt(38), 0.6690 * math.sqrt(38)


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


def sort_of(device: str) -> str:
    """Return what a device of `edge` is, by its number."""
    place = int(device.removeprefix("phone-")) - 1
    return {100.0: "fast", 200.0: "middle", 400.0: "slow"}[SORTS[place][0]]


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

    standard_error_s = SD_OF_ROUND_S / math.sqrt(len(times))  # .24 s: six hundredths of a percent
    assert len(times) == ROUNDS * SEEDS
    assert abs(mean(times) - ROUND_S) < 3 * standard_error_s


async def test_asynchronously_the_160th_update_is_the_19th_of_the_quickest_device() -> None:
    last_s: list[float] = []
    for seed in range(SEEDS):
        fleet = edge(seed)
        await fleet.learn(
            "fedbuff",
            rounds=sum(UPDATES.values()),
            deadline_s=3_600,
            first_round_s=0,
            round_every_s=0,
            poll_s=0,
            options={"buffer_size": 1, "concurrency": len(SORTS), "server_learning_rate": 0.05},
        )

        updates = fleet.events(ev.ReplyReceived)
        assert Counter(sort_of(update.device) for update in updates) == UPDATES, seed
        last_s.append(fleet.events(ev.ModelAggregated)[-1].t_s - fleet.events(ev.DeviceSelected)[0].t_s)

    standard_error_s = SD_OF_LAST_S / math.sqrt(SEEDS)  # 1.2 s: six hundredths of a percent
    assert len(last_s) == SEEDS
    assert abs(mean(last_s) - LAST_S) < 4 * standard_error_s

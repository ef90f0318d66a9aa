"""Who is selected how often, against the binomial: exactly so many rounds, each with the same chance."""

from collections import Counter

import pytest
from scipy.stats import binom

from broker import events as ev
from tests.aggregator.fleet import Fleet

pytestmark = pytest.mark.virtual_time

ROUNDS, DEVICES = 150, 20
BY_CHANCE = 1e-3
"""That an honest sampler is called a cheat, over all devices together."""


@pytest.mark.parametrize(
    ("strategy", "share"), [("fedavg", 6 / 20), ("deadline", 7 / 20), ("energy-aware", 6 / 20), ("fair", 6 / 20)]
)
async def test_everybody_is_selected_as_often_as_the_binomial_allows(strategy: str, share: float) -> None:
    fleet = Fleet(DEVICES, work_s=0.0, poll_s=0.0)
    options = {"rule": "weight"} if strategy == "fair" else {}

    cohort = {"fraction_train": 0.3, "fraction_evaluate": 0.0}
    await fleet.learn(strategy, rounds=ROUNDS, options=options, cohort=cohort, poll_s=0.0, round_every_s=1.0)

    chosen = Counter(event.device for event in fleet.events(ev.DeviceSelected))
    assert sum(chosen.values()) == round(ROUNDS * DEVICES * share)
    low, high = binom.interval(1.0 - BY_CHANCE / DEVICES, ROUNDS, share)
    assert {name for name in fleet.names if not low <= chosen[name] <= high} == set()
    rate = binom.std(ROUNDS, share)
    spread = sum((chosen[name] - ROUNDS * share) ** 2 for name in fleet.names) / DEVICES
    assert 0.3 * rate**2 < spread < 2.5 * rate**2, "neither in turns nor always the same"

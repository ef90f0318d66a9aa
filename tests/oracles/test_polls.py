"""How long a task lies at a SuperLink until its node asks: what renewal theory says of polls at a fixed rhythm.

A node that asks every *p* seconds, at a phase that nothing ties to the server's, finds a task after a time that is
uniform on [0, p): mean p/2, standard deviation p/√12. The last of *n* nodes finds it after p·n/(n + 1) on average.
"""

import math
from collections import defaultdict
from pathlib import Path
from statistics import mean, pstdev

from tests.world.ground import journal, run

POLL_S, NODES, ROUNDS = 600.0, 40, 6
TABLETS = f"""schema = 1
name = "tablets"
days = 2
[learning]
rounds = {ROUNDS}
first_round_s = 28800
round_every_s = 7411
round_deadline_s = 3600
history_nights = 0
fraction_evaluate = 0
poll_s = {POLL_S:g}
[[group]]
kind = "tablet"
with = ["band"]
count = {NODES}
"""
"""7,411 s from round to round: each finds the nodes at another point of their rhythm."""


def test_a_task_waits_half_a_poll_on_average_and_never_longer_than_one(tmp_path: Path) -> None:
    run(TABLETS, tmp_path / "run")

    waits: dict[int, list[float]] = defaultdict(list)
    for event in journal(tmp_path / "run", "task_fetched"):
        waits[event["round"]].append(event["waited_s"])
    everyone = [wait_s for of_round in waits.values() for wait_s in of_round]
    error_s = POLL_S / math.sqrt(12 * len(everyone))
    assert len(everyone) > 0.95 * NODES * ROUNDS  # tablets that lie at home, in reach
    assert 0 <= min(everyone) <= max(everyone) < POLL_S
    assert abs(mean(everyone) - POLL_S / 2) < 4 * error_s
    assert abs(pstdev(everyone) / (POLL_S / math.sqrt(12)) - 1) < 0.1
    last_s, n = mean(map(max, waits.values())), len(everyone) / ROUNDS
    sd_of_last_s = POLL_S * math.sqrt(n / ((n + 1) ** 2 * (n + 2)) / ROUNDS)
    assert abs(last_s - POLL_S * n / (n + 1)) < 4 * sd_of_last_s

"""A device that gave up out of reach, and is back: the server neither waits for it for ever nor never hears of it."""

from collections.abc import Sequence
from pathlib import Path

from tests.world.ground import run, table

QUIET_NIGHT = """schema = 1
name = "comeback"
seed = 7
days = 2

[learning]
rounds = 1
history_nights = 4
min_train_devices = 1
fraction_evaluate = 0
round_deadline_s = 3600
work = {{ gflop = {gflop}, mb_down = 1, mb_up = {mb_up} }}

[[group]]
kind = "phone"
with = ["band"]
count = 2
wearers = {{ network_spread = 0.0 }}
"""
READY = ("plug", "put_down", "far_link_on")


def night(*, gflop: float, mb_up: float, comes: Sequence[tuple[float, str]]) -> str:
    """Two phones on their chargers at the round's start, and what happens to the first of them afterwards."""
    script = [(20_000.0, device, do) for device in ("phone-1", "phone-2") for do in READY]
    script += [(at_s, "phone-1", do) for at_s, do in comes]
    events = "".join(f'\n[[event]]\nat_s = {at_s}\ndevice = "{device}"\ndo = "{do}"\n' for at_s, device, do in script)
    return QUIET_NIGHT.format(gflop=gflop, mb_up=mb_up) + events


def test_an_upload_that_was_abandoned_does_not_keep_the_round_open(tmp_path: Path) -> None:
    comes = [(28_840, "far_link_off"), (28_850, "unplug"), (28_870, "far_link_on")]

    run(night(gflop=10, mb_up=500, comes=comes), tmp_path / "run")

    outcomes = {line["device"]: line["outcome"] for line in table(tmp_path / "run", "outcomes.csv")}
    (round_,) = table(tmp_path / "run", "rounds.csv")
    assert outcomes == {"phone-1": "interrupted", "phone-2": "delivered"}
    assert float(round_["t_end_s"]) < 28_800 + 600


def test_who_gave_up_out_of_reach_says_so_when_the_link_is_back(tmp_path: Path) -> None:
    comes = [(28_840, "far_link_off"), (28_845, "unplug"), (28_860, "far_link_on")]

    run(night(gflop=1_000, mb_up=1, comes=comes), tmp_path / "run")

    outcomes = {line["device"]: line["outcome"] for line in table(tmp_path / "run", "outcomes.csv")}
    (round_,) = table(tmp_path / "run", "rounds.csv")
    assert outcomes == {"phone-1": "interrupted", "phone-2": "delivered"}
    assert float(round_["t_end_s"]) < 28_800 + 900


def test_examples_of_a_round_are_those_that_its_devices_trained_on(tmp_path: Path) -> None:
    text = night(gflop=10, mb_up=1, comes=[]).replace("fraction_evaluate = 0\n", "")

    run(text, tmp_path / "run")

    (round_,) = table(tmp_path / "run", "rounds.csv")
    trained = [int(line["examples"]) for line in table(tmp_path / "run", "outcomes.csv") if line["phase"] == "train"]
    assert sum(trained) == int(round_["examples"]) == 6  # three of four nights each: the last is kept to judge by


def test_life_that_does_not_touch_the_link_wakes_no_radio(tmp_path: Path) -> None:
    toggles = [(28_830 + 2 * n, "near_link_off" if n % 2 else "near_link_on") for n in range(20)]

    run(night(gflop=1, mb_up=500, comes=[]), tmp_path / "still")
    run(night(gflop=1, mb_up=500, comes=toggles), tmp_path / "busy")

    still, busy = (
        next(line for line in table(tmp_path / name, "outcomes.csv") if line["device"] == "phone-1")
        for name in ("still", "busy")
    )
    assert float(busy["energy_j"]) == float(still["energy_j"])
    assert busy["bytes_up"] == still["bytes_up"] == "500000000"

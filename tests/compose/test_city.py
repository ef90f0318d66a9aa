"""A fleet of 205 devices, 200 of them in a fourth container, unsealed to be looked at."""

import pytest

from fleetbeat.saved_run import SavedRun
from tests.compose.stage import Stage, check_account

pytestmark = pytest.mark.compose

PLAIN_CITY = {
    "FLEETBEAT_FLEET": "household-city",
    "FLEETBEAT_ROUNDS": "1",
    "FLEETBEAT_SPEED": "720",
    "FLEETBEAT_PLAIN": "1",
}


def test_a_city_trains_and_a_wearers_own_account_reads_senml(stage: Stage) -> None:
    stage.compose("--profile", "city", "up", "--detach", settings=PLAIN_CITY, within_s=300.0)
    with stage.looking_on("wearer", 60) as seen:
        code = stage.awaits_end("aggregator", 240.0)

    assert code == 0, stage.logs("aggregator")
    run = SavedRun(stage.runs / "household-city-7")
    check_account(run, 1)
    lived_in_the_city = [line for line in run.table("devices.csv") if line["group"].startswith("city-")]
    assert len(lived_in_the_city) == 200
    assert sum(int(line["readings_buffered"]) > 0 for line in lived_in_the_city) > 50
    assert seen.leaves == {"biometrics"}
    assert any(b'"bn":"urn:dev:fleetbeat:household-city:band-1:' in line for line in seen.lines)

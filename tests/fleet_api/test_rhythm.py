import pytest

from broker.errors import SettingsError
from devices.fleet_api import Rhythm


@pytest.mark.parametrize(
    ("speed", "poll_s", "beat_s"), [(1.0, 3.0, 30.0), (2.0, 1.5, 15.0), (720.0, 1.0, 10.0), (0.001, 3_000.0, 1_800.0)]
)
def test_life_runs_faster_and_the_wires_do_not(speed: float, poll_s: float, beat_s: float) -> None:
    rhythm = Rhythm.at_speed(speed, poll_s=3.0, heartbeat_s=30.0)

    assert (rhythm.poll_s, rhythm.beat_s) == (poll_s, beat_s)


def test_a_rhythm_that_the_server_refuses_is_refused_here() -> None:
    with pytest.raises(SettingsError, match="the SuperLink allows 10 to 1800 seconds"):
        Rhythm(beat_s=5.0)
    with pytest.raises(SettingsError, match="poll_s is 0"):
        Rhythm(poll_s=0)

"""The front desk of a fleet whose devices live elsewhere: tells the time, hands in the run, and writes it down."""

import threading
import time
from collections.abc import Iterable
from pathlib import Path

from threadpoolctl import threadpool_limits

from aggregator.strategies import check_strategy
from broker.errors import SettingsError
from broker.pace import Pace
from devices.learning.models import check_model
from devices.residents import residents
from devices.settings import Fleet
from fleetbeat.check import warn
from fleetbeat.directions import Directions
from fleetbeat.live_clock import wall_unix_s
from fleetbeat.live_table import Screen
from fleetbeat.office import Office
from fleetbeat.plan import DAY_S
from fleetbeat.premises import Premises
from fleetbeat.rehearsal import Ran
from fleetbeat.run_folder import new_folder
from fleetbeat.submission import Settings

BEGINS_IN_S, AND_A_WEARER_S = 3.0, 0.3
"""Wall seconds until life begins: a house takes so long to open, and to recall the nights before of all who live there.

(A house of 121 wearers took 24 s on a core.) Nobody is to miss life's first hours.
"""
LAST_REPORTS_WITHIN_S = 10.0
SERVER_SAYS_SO_WITHIN_S = 60.0
"""Wall seconds: so long after the fleet's last day its server must have come to its end."""


def aggregate(
    fleet: Fleet, directions: Directions, said: Settings, *, speed: float, out: Path | None = None, quiet: bool = False
) -> Ran:
    """Begin a life of *fleet* at *speed* times the wall's, have it learn, and write its run folder.

    Whatever life was told before ends with that. *said* overrides the fleet that the SuperLink's ServerApp knows.
    """
    threadpool_limits(1)
    check_model(fleet.learning.model)
    check_strategy(fleet.learning.strategy, fleet.learning.strategy_options)
    path = new_folder(out, fleet.name, fleet.seed)
    premises = Premises(directions.roads(), directions.connection(), None, None)
    with Screen(quiet=quiet) as screen:
        here = residents(fleet)
        begins_in_s = BEGINS_IN_S + AND_A_WEARER_S * len({device.wearer for device in here})
        screen.say(
            f"{fleet.name}: {len(here)} devices, seed {fleet.seed}, live at {speed:g} × real time "
            f"in {begins_in_s:.0f} s → {path}"
        )
        warn(fleet, here, screen.say)
        office = Office(fleet, premises, path, screen)
        over = threading.Event()
        office.when_over(over.set)
        pace = Pace(wall_unix_s() + begins_in_s, speed)
        first_s = begins_in_s + pace.wall_s(fleet.learning.first_round_s)
        screen.say(f"first round in {first_s:.0f} s; a day of life takes {pace.wall_s(DAY_S):.0f} s")
        began_s = time.monotonic()
        cause = "failed"
        try:
            office.begin(pace)
            office.submit(said)
            ended = over.wait(pace.wall_s(fleet.days * DAY_S) + SERVER_SAYS_SO_WITHIN_S)
            cause = office.cause if ended else "days_over"
            if silent := office.hear_out(LAST_REPORTS_WITHIN_S):
                screen.say(f"{silent} devices did not report at the end: their figures are those of their last report")
        except KeyboardInterrupt:
            cause = "stopped"
        finally:
            office.ended_s = pace.life_s(wall_unix_s())
            office.close(cause, time.monotonic() - began_s)
        return Ran(path, cause, office.aggregated)


def said_to_the_server(fleet: Fleet, rounds: int | None, sets: Iterable[str]) -> Settings:
    """Return what of the command line a server that has a fleet file of its own must be told.

    It takes keys of ``[learning]`` alone; raises SettingsError for one whose value is a table or a list.
    """
    keys = ["rounds"] if rounds is not None else []
    keys += [
        key.strip().removeprefix("learning.")
        for key, _, _ in (pair.partition("=") for pair in sets)
        if key.strip().startswith("learning.")
    ]
    learning = fleet.learning.model_dump(mode="json")
    said: dict[str, bool | int | float | str] = {}
    for key in keys:
        value = learning.get(key)
        if not isinstance(value, bool | int | float | str):
            raise SettingsError(
                f"--set learning.{key}: a run can be told single values only; write it into the SuperLink's fleet file"
            )
        said[key] = value
    return said

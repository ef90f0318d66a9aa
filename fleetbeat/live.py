"""A fleet, live: `fleetbeat up` from beginning to end."""

import asyncio
import logging
import secrets
import time
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.markup import escape
from threadpoolctl import threadpool_limits

from aggregator.strategies import check_strategy
from broker.lifeline import fleeting_folder
from broker.narration import Narrator
from broker.pace import Pace
from devices.ideal import equipped
from devices.learning.models import check_model
from devices.residents import residents
from devices.settings import Fleet
from fleetbeat.check import warn
from fleetbeat.clock import interruptible
from fleetbeat.house import House
from fleetbeat.keeper import kept
from fleetbeat.live_clock import run_live, wall_unix_s
from fleetbeat.live_table import LiveTable, Screen
from fleetbeat.office import Office
from fleetbeat.orders import invitation, listen
from fleetbeat.own_broker import HOUSE
from fleetbeat.plan import DAY_S, SERVER_POLL_S
from fleetbeat.premises import Premises, Wishes, check_wishes, opened
from fleetbeat.rehearsal import Ran
from fleetbeat.run_folder import new_folder, told_if_cut_short

POLLS_IN_TIME = 5
"""A deadline shorter than so many of the ServerApp's looks is mostly waiting for the next one."""
PATIENCE_WALL_S = 10.0

_log = logging.getLogger(__name__)


def up(
    fleet: Fleet, wishes: Wishes, *, speed: float, submits: bool = True, out: Path | None = None, quiet: bool = False
) -> Ran:
    """Let *fleet* live at *speed* times the wall's, and learn; write its run folder, whatever ends the run.

    Without *submits* the run is somebody's own ``flwr run``.
    """
    threadpool_limits(1)
    check_model(fleet.learning.model)
    check_strategy(fleet.learning.strategy, fleet.learning.strategy_options)
    path = new_folder(out, fleet.name, fleet.seed)
    here = residents(fleet)
    with ExitStack() as stack:
        screen = stack.enter_context(Screen(quiet=quiet))
        stack.enter_context(told_if_cut_short(path, screen.say))
        check_wishes(wishes)
        screen.say(f"{fleet.name}: {len(here)} devices, seed {fleet.seed}, live at {speed:g} × real time → {path}")
        warn(fleet, here, screen.say)
        secret = stack.enter_context(fleeting_folder("fleetbeat-live-"))
        premises = stack.enter_context(opened(fleet, here, wishes, secret))
        office = Office(fleet, premises, path, screen)
        narrator = Narrator(
            premises.roads.broker, premises.roads.credentials, HOUSE, fleet.name, f"{HOUSE}-{secrets.token_hex(4)}"
        )
        cause = "failed"
        began_s = time.monotonic()
        try:
            stack.enter_context(kept(premises.ours, office.give_up))
            narrator.connect(PATIENCE_WALL_S)
            pace = Pace(wall_unix_s(), speed)
            narrator.life = pace.t0_unix
            _introduce(fleet, premises, wishes, pace, screen)
            office.begin(pace)
            cause = run_live(pace, _live(fleet, premises, office, narrator, pace, secret, screen, submits=submits))
        except KeyboardInterrupt:
            cause = "stopped"
            raise
        finally:
            screen.hide()
            missing = narrator.close(PATIENCE_WALL_S)
            if missing:
                _log.warning("the broker did not take the last %d events of the devices", missing)
            office.close(cause, time.monotonic() - began_s)
        return Ran(path, cause, office.aggregated)


async def _live(
    fleet: Fleet,
    premises: Premises,
    office: Office,
    narrator: Narrator,
    pace: Pace,
    secret: Path,
    screen: Screen,
    *,
    submits: bool,
) -> str:
    """Let everybody live until the server, the days or somebody at the keyboard ends it; return why it ended."""
    loop = asyncio.get_running_loop()
    here = residents(fleet)
    cause = "failed"
    with interruptible(loop) as stop:
        house = House(fleet, here, premises.roads, pace, secret / "devices", narrator.record)
        over = asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # life here is over already
                loop.call_soon_threadsafe(over.set)

        office.when_over(wake)
        lives = asyncio.create_task(house.live(), name="the fleet")
        ended = asyncio.create_task(over.wait(), name="the server's end")
        try:
            if submits:
                office.submit()
            listen(
                [equipped(fleet, device) for device in here],
                house.order,
                lambda: fleet.start + timedelta(seconds=loop.time()),
                lambda words: screen.say(escape(words)),
            )
            screen.show(LiveTable(fleet.start, loop.time, house.looks, lambda: office.account))
            ways_out: list[asyncio.Future[Any]] = [lives, ended, stop]
            await asyncio.wait(ways_out, return_when=asyncio.FIRST_COMPLETED)
            cause = "stopped" if stop.done() else "days_over" if lives.done() else office.cause
            if cause == "stopped":
                screen.say("stopping: what is open is closed, and all is written down")
            if lives.done():
                lives.result()
        finally:
            for task in (lives, ended):
                task.cancel()
            await asyncio.gather(lives, ended, return_exceptions=True)
            office.ended_s = loop.time()
            with suppress(asyncio.CancelledError):
                await house.end()
                if cause != "failed":
                    await asyncio.to_thread(office.refer, house.buffers)
                house.close()
    return cause


def _introduce(fleet: Fleet, premises: Premises, wishes: Wishes, pace: Pace, screen: Screen) -> None:
    """Say what whoever is watching wants to know, and what they should be warned of."""
    learning = fleet.learning
    first_s = pace.wall_s(learning.first_round_s)
    screen.say(f"first round in {first_s:.0f} s; a day of life takes {pace.wall_s(DAY_S):.0f} s")
    deadline_s = pace.wall_s(learning.round_deadline_s)
    if deadline_s < POLLS_IN_TIME * SERVER_POLL_S:
        screen.say(
            f"[yellow]the deadline of {learning.round_deadline_s:g} s is {deadline_s:.1f} s here, the server looks "
            f"for replies every {SERVER_POLL_S:g} s: expect late ones; a lower --speed helps[/yellow]"
        )
    if wishes.plain:
        screen.say("[yellow]--plain: readings travel unsealed; the broker's operator can read heartbeats[/yellow]")
    if wishes.insecure:
        screen.say("[yellow]--insecure: no TLS; whoever carries the messages reads passwords[/yellow]")
    if premises.look_on is not None:
        screen.say(f"look on: {escape(premises.look_on)}")
    vouching = premises.connection.authority
    scheme = "no TLS" if premises.connection.insecure else f"CA {vouching}" if vouching else "TLS"
    here = [equipped(fleet, device) for device in residents(fleet)]
    screen.say(f"SuperLink {premises.connection.address} ({scheme}); {invitation(here)}")

"""docs/live.md: what it tells of options, the clock, variables, strangers and commands is what the code does."""

import re
from datetime import datetime

import click

from aggregator.accounting import Account, Glance
from broker import events as ev
from broker import topics
from devices.fleet_api.rhythm import OFTENEST_POLL_S, SHORTEST_BEAT_S
from devices.fleet_file import load_fleet
from devices.residents import residents
from fleetbeat import live_app, tables
from fleetbeat.flower_programs import OFFLINE
from fleetbeat.live import POLLS_IN_TIME
from fleetbeat.live_server import STRANGERS_WAIT_S
from fleetbeat.orders import understood
from fleetbeat.plan import SERVER_POLL_S
from tests.docs.test_docs import COMMANDS, fences, page, rows, section, ticked

PAGE = page("live.md")


def test_every_option_of_up_is_told_with_its_default() -> None:
    command = COMMANDS.commands["up"] if isinstance(COMMANDS, click.Group) else None
    assert command is not None
    usual = {"--set", "--json", "--quiet", "--verbose"}
    taken = {
        parameter.opts[0]: parameter.default for parameter in command.params if isinstance(parameter, click.Option)
    }
    told = [word for row in rows(PAGE, "option") for word in ticked(row[:1])]

    assert set(told) == set(taken) - usual
    assert f"seconds of life in a second ({taken['--speed']:g}:" in PAGE


def test_what_the_clock_distorts_is_arithmetic() -> None:
    header = next(line for line in PAGE.splitlines() if line.startswith("| on the wall |"))
    speeds = [float(speed) for speed in re.findall(r"at (\d+)", header)]
    units = {"s": 1.0, "min": 60.0, "ms": 1e-3}

    def seconds(words: str) -> float:
        number, unit = words.split()
        return float(number) * units[unit]

    told = {seconds(row[0]): [round(seconds(cell), 3) for cell in row[2:]] for row in rows(PAGE, "on the wall")}

    assert {OFTENEST_POLL_S, SERVER_POLL_S, 2 * SHORTEST_BEAT_S} < set(told)
    assert told == {wall_s: [round(wall_s * speed, 3) for speed in speeds] for wall_s in told}


def test_the_speeds_called_safe_are_those_without_a_warning() -> None:
    in_time_s = POLLS_IN_TIME * SERVER_POLL_S

    assert f"shorter than five looks ({in_time_s:g} s of the wall)" in PAGE
    for words, deadline_s in (
        ("four hours is safe up to", 14_400),
        ("two hours up to", 7_200),
        ("an hour up to", 3_600),
    ):
        assert f"{words} {deadline_s / in_time_s:g}" in PAGE
    assert f"has no name yet ({STRANGERS_WAIT_S:g} s of the wall at most)" in PAGE


def test_every_variable_that_a_superlink_needs_is_told() -> None:
    variables = {live_app.FLEET, live_app.BROKER, live_app.BROKER_CA, live_app.BROKER_CREDENTIALS}
    exports = next(block for block in fences(PAGE, "text") if "--ssl-certfile" in block)

    assert {ticked(row[:1])[0] for row in rows(PAGE, "variable")} == variables
    assert all(f"{variable}=" in exports for variable in variables)


def test_the_columns_told_to_be_empty_of_a_stock_supernode_are_those() -> None:
    account = Account(lambda _device: Glance(0.5, "wifi"))
    for event in (
        ev.SelectionMade(1.0, None, 1, "train", 1, 0, 1),
        ev.DeviceSelected(1.0, "supernode-1", 1, "train"),
        ev.ErrorReceived(9.0, "supernode-1", 1, "train", 2, "KeyError: its app failed"),
    ):
        account.record(event)
    (cells,) = tables.outcome_lines(account, datetime(2026, 1, 5), {"phone-1"})
    line = dict(zip(tables.OUTCOME_LINES.split(","), cells, strict=True))
    part = section(PAGE, "Your own broker, your own SuperLink")

    empty = {name for row in rows(part, "column") for name in ticked(row[:1])}
    assert empty == {name for name, cell in line.items() if cell is None}
    filled = re.search(r"has its line in `outcomes.csv` with (.*?)\. ", part)
    assert filled is not None
    assert set(ticked([filled[1]])) == set(line) - empty


def test_the_orders_shown_are_understood() -> None:
    shown = next(block for block in fences(PAGE, "text") if block.startswith("phone-1 plug"))

    assert [understood(line, residents(load_fleet("household"))) for line in shown.splitlines()] == [
        ("phone-1", "plug"),
        ("phone-1", "unplug"),
    ]


def test_every_topic_to_listen_to_is_told() -> None:
    told = {ticked(row[:1])[0].replace("<fleet>", "home").replace("<device>", "band-1") for row in rows(PAGE, "topic")}

    assert told == {topics.events("home", "band-1"), topics.server_events("home"), topics.clock("home")}


def test_what_a_superlink_of_ones_own_needs_is_told_where_flwr_run_is() -> None:
    told = " ".join(fences(page("flower.md"), "text")) + section(page("flower.md"), "Living fleets")

    assert {live_app.FLEET, live_app.BROKER, live_app.BROKER_CA, live_app.BROKER_CREDENTIALS} < set(
        re.findall(r"\w+", told)
    )
    assert all(f"{name}={value}" in told for name, value in OFFLINE.items())

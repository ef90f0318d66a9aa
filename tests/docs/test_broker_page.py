"""docs/broker.md: what it tells of rules, files, options, commands and the seal is what the code does."""

import re
from pathlib import Path
from typing import get_args

import click

from broker import seal, topics
from broker.access import Access
from broker.mosquitto import configuration as conf
from devices.fleet_file import load_fleet
from devices.residents import residents
from fleetbeat.own_broker import HOUSE, write_everything
from fleetbeat.strongbox import RENEW_DAYS, YEAR_DAYS
from tests.docs.test_docs import COMMANDS, fences, page, rows, section, ticked

PAGE = page("broker.md")
MIB = 1024 * 1024


def test_the_rules_shown_are_those_of_a_phone_with_a_band() -> None:
    access = Access("household", {"phone-1": ("phone-1", "band-1"), "band-1": ()}, {HOUSE: ("phone-1", "band-1")})

    assert access.acl() in fences(PAGE, "text")


def test_every_user_is_told() -> None:
    access = Access("household", {"phone-1": ("phone-1",)}, {HOUSE: ("phone-1",)})
    told = [ticked(row[:1])[0] for row in rows(section(PAGE, "Who may read what"), "user")]

    assert sorted(told) == sorted(access.users)


def test_every_topic_is_told() -> None:
    told = {ticked(row[:1])[0].replace("<fleet>", "home").replace("<device>", "band-1") for row in rows(PAGE, "topic")}

    of_device = {topics.of_device("home", "band-1", leaf) for leaf in topics.LEAVES}
    of_server = {topics.server_events("home"), topics.server_state("home"), topics.server_standing("home")}
    assert told == of_device | of_server | {topics.clock("home")}


def test_every_file_is_told_and_the_commands_shown_are_those_printed(tmp_path: Path) -> None:
    written = write_everything("household", residents(load_fleet("household")), tmp_path)

    told = {
        name.partition("/")[0]
        for row in rows(section(PAGE, "A broker of your own"), "file")
        for name in ticked(row[:1])
    }
    assert told == {path.name for path in tmp_path.iterdir()}
    commands = "".join(f"{command}\n" for command in written.commands("household"))
    commands = re.sub(r"^\S*/mosquitto ", "mosquitto ", commands).replace(str(tmp_path), "my-broker")
    assert commands in fences(PAGE, "text")


def test_every_option_of_it_is_told() -> None:
    command = COMMANDS.commands["broker"] if isinstance(COMMANDS, click.Group) else None
    assert command is not None
    usual = {"--out", "--set", "--json", "--quiet", "--verbose"}
    taken = {parameter.opts[0] for parameter in command.params if isinstance(parameter, click.Option)}
    told = ticked([row[0] for row in rows(section(PAGE, "A broker of your own"), "option")])

    assert set(told) == taken - usual
    assert f"how long the certificates hold ({YEAR_DAYS})" in PAGE
    assert f"fewer than {RENEW_DAYS} days" in PAGE


def test_the_bounds_told_are_those_set(tmp_path: Path) -> None:
    written = conf.lasting_configuration(tmp_path, conf.Doorstep("8883"))
    queue = re.search(r"max_queued_bytes (\d+)", written)
    assert queue is not None

    assert f"A payload over {conf.LIVE_LIMIT_BYTES // MIB} MiB" in PAGE
    assert f"At most {int(queue[1]) // MIB} MiB wait for one client" in PAGE


def test_the_seal_is_as_long_and_its_refusals_are_those_told() -> None:
    told = ticked([row[0] for row in rows(section(PAGE, "The seal"), "reason")])

    assert tuple(told) == get_args(seal.Reason)
    assert f"{seal.OVERHEAD_BYTES} more than in the clear" in PAGE
    layout = next(block for block in fences(PAGE, "text") if block.startswith("version"))
    assert sum(map(int, re.findall(r"(?<=[a-z] )\d+", layout.partition("(")[0]))) == seal.OVERHEAD_BYTES

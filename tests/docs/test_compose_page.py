"""docs/compose.md: services, settings and options are those there are."""

import re

import click
import yaml

from fleetbeat.strongbox import RENEW_DAYS
from tests.docs.test_docs import COMMANDS, ROOT, page, rows, section, ticked

PAGE = page("compose.md")


def options_of(command: str) -> set[str]:
    assert isinstance(COMMANDS, click.Group)
    parameters = COMMANDS.commands[command].params
    return {parameter.opts[0] for parameter in parameters if isinstance(parameter, click.Option)}


def test_every_service_is_told() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]

    assert sorted(ticked([row[0] for row in rows(section(PAGE, "The services"), "service")])) == sorted(services)


def test_every_setting_is_told() -> None:
    shown = re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert sorted(ticked([row[0] for row in rows(section(PAGE, "Settings"), "setting")])) == sorted(shown)


def test_every_option_is_told() -> None:
    usual = {"--json", "--quiet", "--verbose"}
    told = ticked([row[0] for row in rows(section(PAGE, "Without Compose"), "option")])

    assert set(told) == (options_of("host") | options_of("aggregate")) - usual


def test_the_days_told_are_those_after_which_a_certificate_is_renewed() -> None:
    assert f"fewer than {RENEW_DAYS} days left" in PAGE

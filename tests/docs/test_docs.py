"""What the documents tell of the code: commands, keys, columns, words. Each is compared with the code itself."""

import inspect
import itertools
import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from pydantic import BaseModel

from aggregator.accounting import OUTCOMES
from aggregator.strategies import OURS, Cohort, make_strategy
from aggregator.strategies import STRATEGIES as SERVED
from aggregator.trail import Trail
from broker import events as ev
from broker.errors import SettingsError
from devices import learning_table, settings
from devices.charging import HABITS
from devices.circumstances import Circumstances
from devices.fleet_file import Overrides, load_fleet, shipped_fleets
from devices.kinds import Ready, kinds
from devices.readiness import Standing, absence, broken, objection, why_not
from devices.traits import Wearers
from fleetbeat import tables
from fleetbeat.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TICKED = re.compile(r"`([^`]+)`")
COMMANDS = typer.main.get_command(app)
assert isinstance(COMMANDS, click.Group)


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def section(text: str, heading: str) -> str:
    """What stands under *heading*, up to the next heading of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}$\n(.*?)(?=^#+ |\Z)", FENCE.sub("", text), re.MULTILINE | re.DOTALL)
    assert found is not None, f"no heading {heading!r}"
    return found[1]


def rows(text: str, header: str) -> list[list[str]]:
    """The cells of the tables whose first column is called *header*."""
    found: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells:
            inside = False
        elif cells[0] == header:
            inside = True
        elif inside and not set(line) <= set("|-: "):
            found.append(cells)
    return found


def ticked(cells: Sequence[str]) -> list[str]:
    return [word for cell in cells for word in TICKED.findall(cell)]


def fences(text: str, language: str) -> list[str]:
    return [body for tongue, body in FENCE.findall(text) if tongue == language]


def runnable() -> Iterator[tuple[str, list[str]]]:
    """Every `fleetbeat` line of every sh block: where it stands and its words, without redirections and comments."""
    for path in PAGES:
        for block in fences(path.read_text(), "sh"):
            for line in block.splitlines():
                if line.startswith("fleetbeat "):
                    words = shlex.split(line, comments=True)[1:]
                    yield path.name, list(itertools.takewhile(lambda word: word not in (">", "|"), words))


# --- commands


@pytest.mark.parametrize(("where", "words"), [pytest.param(*found, id=" ".join(found[1])) for found in runnable()])
def test_every_command_line_is_one_that_fleetbeat_takes(where: str, words: list[str]) -> None:
    assert isinstance(COMMANDS, click.Group)
    command = COMMANDS.commands[words[0]]

    given = command.make_context(words[0], words[1:]).params

    fleet = given.get("fleet")
    if fleet in shipped_fleets() and ".py:" not in (given.get("strategy") or ""):
        load_fleet(fleet, Overrides(strategy=given.get("strategy"), sets=tuple(given["sets"] or ())))
    elif fleet is not None and ".py:" not in (given.get("strategy") or ""):
        assert fleet.endswith(".toml"), f"{where}: no fleet {fleet} ships"


def test_readme_lists_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    assert isinstance(COMMANDS, click.Group)

    told = [ticked(row[:1])[0].split()[1] for row in rows(section(readme, "Commands"), "command")]

    assert sorted(told) == sorted(COMMANDS.commands)


# --- the run folder


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("rounds.csv", tables.ROUNDS),
        ("outcomes.csv", tables.OUTCOME_LINES),
        ("devices.csv", tables.DEVICES),
        ("life.csv", tables.LIFE),
    ],
)
def test_every_column_is_told_in_its_order(name: str, header: str) -> None:
    told = ticked([row[0] for row in rows(section(page("run-folder.md"), name), "column")])

    assert ",".join(told) == header


def event_classes() -> list[type[ev.Event]]:
    classes = [item for item in vars(ev).values() if isinstance(item, type) and issubclass(item, ev.Event)]
    return [cls for cls in classes if cls not in (ev.Event, ev.Work)]


def figures(cls: type[ev.Event]) -> list[str]:
    return [field.name for field in fields(cls) if field.name not in ("t_s", "device")]


def test_every_event_is_told_with_its_figures() -> None:
    told = {ticked(row[:1])[0]: ticked(row[1:2]) for row in rows(page("run-folder.md"), "kind")}

    assert told == {ev.kind_of(cls): figures(cls) for cls in event_classes()}


# --- outcomes


def test_every_outcome_is_told_where_outcomes_are() -> None:
    readme = rows(section((ROOT / "README.md").read_text(), "The nine outcomes"), "outcome")
    overview = [row for row in rows(page("outcomes.md"), "outcome") if len(row) == 4]
    headings = re.findall(r"^## (\w+)$", page("outcomes.md"), re.MULTILINE)

    assert ticked([row[0] for row in readme]) == list(OUTCOMES)
    assert ticked([row[0] for row in overview]) == list(OUTCOMES)
    assert headings == list(OUTCOMES)


def standings() -> Iterator[Standing]:
    truths = (False, True)
    for on, asleep, battery, examples in itertools.product(truths, truths, (0.0, 1.0), (0, 9)):
        for charging, in_use, far_link in itertools.product(truths, truths, ("none", "wifi", "mobile")):
            life = Circumstances(0.0, 1.0, charging=charging, in_use=in_use, far_link=far_link)
            yield Standing(on, asleep, True, battery, examples, life)


def blames() -> Iterator[tuple[str, str]]:
    moments = (None, 1.0, 50.0, 99.0)
    for fetched, started, uploading in itertools.product(moments, repeat=3):
        for broke, cause, away in itertools.product((None, "training"), ("offline", "deadline"), (None, "asleep")):
            trail = Trail(1, "train", "phone-1", 0.0)
            trail.fetched_s, trail.started_s, trail.uploading_s = fetched, started, uploading
            trail.link_broke_at = broke
            yield trail.blame(100.0, cause, away)


def reasons_told() -> dict[str, set[str]]:
    told = [row for row in rows(page("outcomes.md"), "outcome") if len(row) == 4]
    return {ticked(row[:1])[0]: set(ticked(row[1:2])) for row in told}


def test_the_reasons_told_are_the_reasons_there_are() -> None:
    told = reasons_told()
    conditions = Ready()
    refusing = {objection(conditions, standing) for standing in standings()} - {None}
    breaking = {broken(conditions, standing.life) for standing in standings()} - {None}
    missing = {absence(standing) for standing in standings()} - {None}

    assert told["refused"] == refusing | {"too_little_data"}
    assert told["interrupted"] == breaking | {"switched_off"}
    assert told["unreachable"] == missing
    assert told["late"] == {reason for outcome, reason in blames() if outcome == "late"}
    assert told["lost_link"] == {reason for outcome, reason in blames() if outcome == "lost_link"}
    assert told["lost_power"] == told["lost_link"]
    every = {why_not(conditions, standing, 5) for standing in standings()} - {None}
    assert every == told["refused"] | told["unreachable"] | {"busy"}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_has_an_excerpt_of_events_that_exist(outcome: str) -> None:
    known = {ev.kind_of(cls): figures(cls) for cls in event_classes()}
    text = page("outcomes.md").split(f"\n## {outcome}\n")[1].split("\n## ")[0]

    lines = [json.loads(line) for block in fences(text, "json") for line in block.splitlines()]

    assert lines
    assert [list(line) for line in lines] == [["t_s", "kind", "device", *known[line["kind"]]] for line in lines]


# --- fleets


def keys_told(heading: str) -> dict[str, str]:
    return {ticked(row[:1])[0]: row[1] for row in rows(section(page("fleets.md"), heading), "key")}


def default_told(cell: str) -> Any:
    if cell == "required":
        return ...
    return None if cell == "none" else tomllib.loads(f"x = {cell[1:-1]}")["x"]


def default_there(model: type[BaseModel], name: str) -> Any:
    field = model.model_fields[name]
    if field.is_required():
        return ...
    found = field.get_default(call_default_factory=True)
    if isinstance(found, BaseModel):
        return {}
    return list(found) if isinstance(found, tuple) else found


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("The fleet", settings.Fleet),
        ("learning", learning_table.Learning),
        ("work", learning_table.Work),
        ("app", settings.GuestApp),
        ("wire", settings.Wire),
        ("group", settings.Group),
        ("wearers", Wearers),
        ("event", settings.ScriptedEvent),
    ],
)
def test_every_key_of_a_fleet_is_told_with_its_default(heading: str, model: type[BaseModel]) -> None:
    names = {field.alias or name: name for name, field in model.model_fields.items()}
    told = keys_told(heading)

    assert set(told) == set(names)
    assert {key: default_told(cell) for key, cell in told.items()} == {
        key: default_there(model, name) for key, name in names.items()
    }


def test_every_scripted_cause_is_told() -> None:
    assert set(ticked([row[0] for row in rows(page("fleets.md"), "do")])) == set(settings.EVENTS)


def test_every_fleet_that_ships_is_told() -> None:
    told = ticked([row[0] for row in rows(section(page("fleets.md"), "The fleets that ship"), "name")])

    assert sorted(told) == shipped_fleets()


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "docs" / "fleets.md"], ids=lambda path: path.name)
def test_every_whole_fleet_shown_is_valid(path: Path, tmp_path: Path) -> None:
    shown = [block for block in fences(path.read_text(), "toml") if "[[group]]" in block and "schema" in block]

    for number, block in enumerate(shown):
        file = tmp_path / f"{number}.toml"
        file.write_text(block)
        load_fleet(file)

    assert shown


# --- learning and life


def test_every_strategy_is_told_with_options_that_it_takes() -> None:
    text = page("strategies.md")
    told = {ticked(row[:1])[0]: ticked(row[1:2]) for row in rows(section(text, "All names"), "strategy")}

    assert tuple(told) == learning_table.STRATEGIES == SERVED
    assert {(name, option) for name, options in told.items() for option in options if not takes(name, option)} == set()


def takes(name: str, option: str) -> bool:
    """Whether a strategy can be made with that option, of whatever kind it is."""
    for value in (0.25, 2, "keep", "weight"):
        try:
            make_strategy(name, {option: value}, Cohort(devices=40))
        except SettingsError as error:
            if "has no such option" in str(error):
                return False
        else:
            return True
    return False


@pytest.mark.parametrize("name", OURS)
def test_the_options_of_ours_are_told_with_their_defaults(name: str) -> None:
    told = {ticked(row[:1])[0]: row[1].strip("`") for row in rows(section(page("strategies.md"), name), "option")}
    parameters = inspect.signature(OURS[name].__init__).parameters.values()

    there = {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}
    assert {option: tomllib.loads(f"x = {default}")["x"] for option, default in told.items()} == there


def test_the_figures_told_of_kinds_are_those_of_their_profiles() -> None:
    text = page("life.md")
    header = next(line for line in text.splitlines() if line.startswith("| figure |"))
    names = [cell.strip() for cell in header.split("|")[2:-1]]
    told = {ticked(row[:1])[0]: [float(cell) for cell in row[1:]] for row in rows(text, "figure")}

    assert sorted(names) == sorted(kinds())
    assert told == {figure: [getattr(kinds()[name], figure) for name in names] for figure in told}


def test_the_count_of_assumptions_is_as_told() -> None:
    statuses = [figure.status for kind in kinds().values() for figure in kind.figures]
    told = f"Of the {len(statuses)} figures in the device profiles {statuses.count('verified')} were read in a source"

    assert told in (ROOT / "README.md").read_text()
    assert f"and {statuses.count('assumed')} are assumptions" in (ROOT / "README.md").read_text()


def test_every_charging_habit_is_told() -> None:
    assert set(ticked([row[0] for row in rows(page("life.md"), "charging habit")])) == set(HABITS)


# --- what a run prints


@pytest.mark.slow
def test_readme_shows_what_a_run_of_the_household_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = next(block for block in fences((ROOT / "README.md").read_text(), "text") if "Rounds of household" in block)

    with pytest.raises(SystemExit):
        app(["run", "household", "--out", str(tmp_path / "run"), "--broker", "memory"])

    printed = capsys.readouterr()
    lines = {line.strip() for line in (printed.out + printed.err).splitlines()}
    tables_told = shown[shown.index("Rounds of household") :]  # above are progress lines, wrapped to the terminal
    told = [line.strip() for line in tables_told.splitlines()]
    assert [line for line in told if line not in lines] == []

"""The check-up of a fleet: who lives there, what is asked of them, what a day costs, and what looks wrong."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from aggregator.strategies import check_strategy
from devices.body.recordings import read_recordings
from devices.kinds import Kind, kind_named
from devices.learning.models import check_model
from devices.residents import Device, residents
from devices.settings import Fleet, Group
from devices.spread import Spread
from devices.table import DAY_S
from fleetbeat.apps.project import read_project
from fleetbeat.costs import DayCost, by_kind, day_costs, lived_days, rounds_that_fit
from fleetbeat.plan import timetable_of

QUESTIONS = {
    "night-quality": "Every night is one question: a good one (asleep for 85 % of the time in bed) or a poor one?",
    "sleep-wake": "Every 30 seconds in bed are one question: asleep or awake?",
    "sleep-stage": "Every 30 seconds in bed are one question: awake, asleep, or in REM sleep?",
}
MORNING_H = 9
"""By then most people have risen, and last night's labels are known."""

HAS = {"worn": ("wears", "wear"), "pocket": ("carries", "carry"), "home": ("has at home", "have at home")}


@dataclass(frozen=True)
class CheckUp:
    """What `fleetbeat check` has to say about one fleet."""

    fleet: Fleet
    wearers: int
    devices: int
    trainers: int
    who: tuple[str, ...]
    learning: tuple[str, ...]
    lived_days: float
    costs: tuple[DayCost, ...]
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the same as one JSON document."""
        fleet = self.fleet
        return {
            "fleet": fleet.name,
            "seed": fleet.seed,
            "start": fleet.start.isoformat(),
            "days": fleet.days,
            "wearers": self.wearers,
            "devices": self.devices,
            "training_devices": self.trainers,
            "who": list(self.who),
            "learning": list(self.learning),
            "lived_days": self.lived_days,
            "costs": [asdict(cost) for cost in self.costs],
            "warnings": list(self.warnings),
        }

    def words(self) -> RenderableType:
        """Return it to be read."""
        title = f"{self.fleet.name}: {self.wearers} {_people(self.wearers)} with {self.devices} devices, for "
        title += f"{span(self.fleet.days * DAY_S)} from {_moment(self.fleet, 0.0)}"
        parts: list[RenderableType] = [Text(title, style="bold"), *map(_bullet, self.who), Text("")]
        parts += [Text("What they learn", style="bold"), *map(_bullet, self.learning), Text("")]
        parts.append(_table(self.costs, self.lived_days))
        if self.warnings:
            title = "Look at this before you run it"
            parts += [Text(""), Text(title, style="bold yellow"), *map(_bullet, self.warnings)]
        return Lines(*parts)


def check_up(fleet: Fleet) -> CheckUp:
    """Look at a fleet that is valid; raises SettingsError if its strategy or its model cannot be had."""
    if fleet.app is None:
        check_model(fleet.learning.model)
        check_strategy(fleet.learning.strategy, fleet.learning.strategy_options)
    devices = residents(fleet)
    return CheckUp(
        fleet=fleet,
        wearers=len({device.wearer for device in devices}),
        devices=len(devices),
        trainers=sum(device.kind.trains for device in devices),
        who=tuple(_who(fleet, group) for group in fleet.group),
        learning=tuple(_learning(fleet, devices)),
        lived_days=lived_days(fleet, devices),
        costs=tuple(day_costs(fleet, devices)),
        warnings=tuple(warnings(fleet, devices)),
    )


def span(seconds: float) -> str:
    """Return a span of time as one says it."""
    for unit, size in (("days", DAY_S), ("h", 3_600), ("min", 60)):
        if seconds >= size * (2 if unit == "days" else 1):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _who(fleet: Fleet, group: Group) -> str:
    count = group.count or 0
    words = "synthetic"
    if group.recordings is not None:
        recordings = read_recordings(group.recordings)
        count = sum(person.id not in fleet.learning.test_persons for person in recordings.persons)
        words = f"recorded ({recordings.title})"
    kind = kind_named(group.kind)
    text = f"{count} {_people(count)} {_has(kind, count)} a {group.kind}"
    for other in map(kind_named, group.with_):
        text += f" and {_has(other, count)} a {other.kind}"
    return "; ".join([text, _keeps(group), words, *_particulars(group)])


def _particulars(group: Group) -> Iterator[str]:
    """Say what makes this group's wearers and devices others than those at large."""
    if group.join_day:
        yield f"they join on day {group.join_day:g}"
    if group.leave_day is not None:
        yield f"they leave on day {group.leave_day:g}"
    told = {name: getattr(group.wearers, name) for name in sorted(group.wearers.model_fields_set)}
    for name, value in (told | dict(group.set_)).items():
        if value is not None:
            yield f"{name.replace('_', ' ')} {_said(value)}"


def _said(value: object) -> str:
    if not isinstance(value, Spread):
        return f"{value:g}" if isinstance(value, float) else str(value).lower()
    if value.mean is None:
        return "from {:g} to {:g}".format(*value.ends)
    return f"{value.mean:g} ± {value.sd:g}"


def _keeps(group: Group) -> str:
    """Say which of a wearer's devices measures, and which keeps the readings and learns."""
    kinds = [kind_named(kind) for kind in (group.kind, *group.with_)]
    trainer = next((kind.kind for kind in kinds if kind.trains), None)
    sensing = [kind.kind for kind in kinds if kind.senses]
    if trainer is None:
        return "nothing of it can learn"
    if not sensing:
        return "nothing of it measures"
    if sensing == [trainer]:
        return f"the {trainer} measures and learns by itself"
    return f"the {' and the '.join(sensing)} measure{'s' if len(sensing) == 1 else ''}, the {trainer} learns"


def _learning(fleet: Fleet, devices: Sequence[Device]) -> Iterator[str]:
    learning = fleet.learning
    if fleet.app is not None:
        project = read_project(fleet.app)
        first, again = _moment(fleet, learning.first_round_s), span(learning.round_every_s)
        yield f"The Flower App {project.name} ({project.folder}): its own data, strategy and number of rounds"
        yield f"its rounds begin on {first} and then every {again}, at the earliest"
        if learning.work is None:
            yield "What a fit takes is measured when the run begins: the costs below leave it out"
    else:
        yield from _task(fleet)
    if fleet.ideal:
        yield "An ideal world: everybody is always ready, nothing takes time or energy"
        return
    for name, alike in by_kind(devices).items():
        if alike[0].kind.trains:
            yield f"A {name} may learn while it {_conditions(alike[0].kind)}"


def _task(fleet: Fleet) -> Iterator[str]:
    learning = fleet.learning
    question = QUESTIONS[learning.task]
    yield question if learning.epochs == "in_bed" else question.replace(" in bed", ", day and night,")
    first, deadline = _moment(fleet, learning.first_round_s), span(learning.round_deadline_s)
    every_s = timetable_of(fleet).every_s
    again = f", then every {span(every_s)}" if every_s > 0 else ", then one after the other"
    again = again if learning.rounds > 1 else ""
    rounds = f"{learning.rounds} round{'s' if learning.rounds > 1 else ''}, the first on {first}{again}"
    yield f"{rounds}; a chosen device has {deadline} to answer ({learning.strategy})"


def _conditions(kind: Kind) -> str:
    ready = kind.ready
    conditions = [
        ("is on its charger", ready.needs_charging),
        ("has Wi-Fi", ready.needs_unmetered),
        ("is not in use", ready.needs_idle),
        (f"has {100 * ready.min_battery:g} % or more of its battery", ready.min_battery > 0),
    ]
    return " and ".join(words for words, holds in conditions if holds) or "is on"


def warnings(fleet: Fleet, devices: Sequence[Device]) -> Iterator[str]:
    """Say what of a fleet that is valid would come to nothing."""
    fed = {device.trainer for device in devices if device.kind.senses}
    if fleet.app is not None:  # it has data of its own
        fed |= {device.name for device in devices}
    yield from _grouped(
        [device for device in devices if device.kind.trains and device.name not in fed],
        'nothing measures for {names}: no data to learn from; give the wearer a band: with = ["band"]',
    )
    yield from _grouped(
        [device for device in devices if device.kind.senses and device.trainer is None],
        "{names} measure{s} for nobody: the wearer has no device that can learn",
    )
    if fleet.app is None:  # whose rounds are its own affair
        yield from _vain_rounds(fleet, devices)
    for place, group in enumerate(fleet.group):
        if group.join_day >= fleet.days:
            yield f"group.{place} joins on day {group.join_day:g}, when life has ended"
    for place, event in enumerate(fleet.event):
        if event.at_s >= fleet.days * DAY_S:
            yield f"event.{place} ({event.do} {event.device}) comes after life has ended"


def warn(fleet: Fleet, devices: Sequence[Device], say: Callable[[str], None]) -> None:
    """Let *say*, which takes rich's markup, begin a run with its `warnings`."""
    for warning in warnings(fleet, devices):
        say(f"[yellow]look at this: {escape(warning)}[/yellow]")


def _vain_rounds(fleet: Fleet, devices: Sequence[Device]) -> Iterator[str]:
    learning, trainers = fleet.learning, sum(device.kind.trains for device in devices)
    if trainers < learning.min_train_devices:
        asked = learning.min_train_devices
        yield f"learning.min_train_devices is {asked}, but {trainers} can learn: no round can start"
    fit = rounds_that_fit(fleet)
    if fit < learning.rounds:
        yield f"only {fit} of {learning.rounds} rounds begin before life ends after {span(fleet.days * DAY_S)}"
    morning_s = (fleet.start.replace(hour=MORNING_H, minute=0, second=0) - fleet.start).total_seconds() % DAY_S
    recorded = any(group.recordings is not None for group in fleet.group)
    if not learning.history_nights and not recorded and learning.first_round_s < morning_s:
        yield "no night is known when the first round begins: history_nights is 0, and labels come in the morning"
    for name, alike in by_kind(devices).items():
        needs_s = alike[0].kind.processor.seconds(learning.work.gflop if learning.work else 0.0, in_use=False)
        if alike[0].kind.trains and not fleet.ideal and needs_s > learning.round_deadline_s:
            yield f"a fit takes a {name} {span(needs_s)}: longer than the {span(learning.round_deadline_s)} it has"


def _grouped(devices: Sequence[Device], words: str) -> Iterator[str]:
    if devices:
        names = devices[0].name + (f" and {len(devices) - 1} more" if len(devices) > 1 else "")
        yield words.format(names=names, s="s" if len(devices) == 1 else "")


def _table(costs: Sequence[DayCost], days: float) -> Table:
    table = Table(title="What a day costs one of them", title_justify="left", box=None, pad_edge=False)
    table.add_column("kind")
    names = "how many", "battery lasts", "J a day", "MB streamed", "MB to learn", "J to learn", "= battery", "one fit"
    for name in names:
        table.add_column(name, justify="right")
    for cost in costs:
        learns = cost.fit_s is not None
        table.add_row(
            cost.kind,
            str(cost.devices),
            f"{cost.battery_h:.0f} h" if cost.battery_h >= 2 else span(3_600 * cost.battery_h),
            f"{cost.life_j:,.0f}",
            f"{cost.near_mb:.2f}" if cost.near_mb else "–",
            f"{cost.learning_mb:.2f}" if learns else "–",
            f"{cost.learning_j:,.1f}" if cost.learning_j else "–",
            span(60 * cost.learning_battery_min) if cost.learning_j else "–",
            "–" if cost.fit_s is None else span(cost.fit_s) if cost.fit_s >= 1 else "< 1 s",
        )
    table.caption = (
        "to learn: fits, models sent and readings streamed, as if it delivered whenever the server selects it;\n"
        f"a day: of the {days:.1f} days that will be lived; = battery: of its ordinary life"
    )
    table.caption_justify = "left"
    return table


def _moment(fleet: Fleet, t_s: float) -> str:
    moment = fleet.start + timedelta(seconds=t_s)
    return f"{moment:%A} {moment.day} {moment:%B %Y}, {moment:%H:%M}"


def _has(kind: Kind, count: int) -> str:
    return HAS[kind.carry][count != 1]


def _people(count: int) -> str:
    return "person" if count == 1 else "people"


def _bullet(line: str) -> Text:
    return Text(f"  · {line}")

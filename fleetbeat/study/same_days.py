"""The same days: every arm of a study with one seed, lived one after the other in this process."""

import csv
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from broker.errors import RunFolderError
from devices.annals import annals_for
from devices.fleet_file import freeze
from devices.learning.task import Arrays
from devices.residents import residents
from devices.settings import Fleet
from fleetbeat import rehearsal
from fleetbeat.brokers import BrokerChoice
from fleetbeat.costs import lived_days
from fleetbeat.population import Population, live_without_learning
from fleetbeat.run_folder import WholeFiles
from fleetbeat.study import account
from fleetbeat.study.account import FlatBatteries
from fleetbeat.study.cell import Cell
from fleetbeat.study.cell_file import folder_of, read_cell, write_cell
from fleetbeat.study.energy import Ordinary
from fleetbeat.study.references import Bench
from fleetbeat.study.settings import REFERENCES
from fleetbeat.study.yardstick import Yardstick, held_out, recorded, yardstick_for
from fleetbeat.tables import LIFE, life_lines
from fleetbeat.world import World

_log = logging.getLogger(__name__)

ON_THE_BENCH = ("central", "local-only", "personalised")
"""References that live no days: they come from the buffers of the fleet's run, as soon as that is over."""

ORDINARY = "device,kind,j_a_day"


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who is told when work on a cell begins, and when it is on disk."""

    began: Callable[[str], None]
    ended: Callable[[Cell], None]


class Crashed(Exception):
    """What an arm needs of another one is not there, because that one crashed."""


class SameDays:
    """The cells of one seed: those that are missing in the study's folder, in an order in which each finds its needs.

    First the days without learning (what a device draws then is what learning is compared with), then the fleet's
    own run and the references from its buffers, then all others.
    """

    def __init__(self, fleets: Mapping[str, Fleet], seed: int, study: Path, onlooker: Onlooker) -> None:
        """*fleets* are those of a `Plan`; *study* is its folder."""
        self._fleets = {arm: fleet.model_copy(update={"seed": seed}) for arm, fleet in fleets.items()}
        self._seed = seed
        self._study = study
        self._onlooker = onlooker
        self._bench: tuple[Bench, Arrays] | None = None
        """What the fleet's run left: the examples in its buffers, and its model."""
        self._own_nights: Yardstick | None = None
        self._annals = annals_for(self._fleets.values())
        self._learning_days = max(lived_days(fleet, residents(fleet)) for fleet in self._fleets.values())
        """The days until all arms have had their rounds: what a fleet file has beyond them makes nothing cheaper."""

    def live(self) -> None:
        """Live what is missing; an arm that crashes leaves a cell that says so. A full disk raises RunFolderError."""
        for arm in self._missing():
            self._onlooker.began(arm)
            try:
                cell = self._cell(arm)
            except RunFolderError:
                raise
            except Exception as error:  # whatever an arm dies of is its own end, not the study's
                _log.info("%s, seed %d", arm, self._seed, exc_info=True)
                words = str(error) if isinstance(error, Crashed) else f"{type(error).__name__}: {error}"
                cell = Cell(arm, self._seed, error=words)
            write_cell(self._study, cell)
            self._onlooker.ended(cell)

    def _missing(self) -> list[str]:
        """Return which arms have no cell, in the order of work; a crashed one is tried again."""
        order = [
            "no-training",
            "fleet",
            *ON_THE_BENCH,
            *(arm for arm in self._fleets if arm not in REFERENCES),
            "ideal",
        ]
        missing = {arm for arm in order if not self._done(arm)}
        needs_buffers = missing.intersection(ON_THE_BENCH) or (missing and recorded(self._fleets["fleet"]))
        if needs_buffers and "fleet" not in missing:  # buffers are not kept: the same days again
            missing.add("fleet")
            self._forget("fleet")
        if "fleet" in missing:
            missing.update(ON_THE_BENCH)
        return [arm for arm in order if arm in missing]

    def _done(self, arm: str) -> bool:
        cell = read_cell(self._study, arm, self._seed)
        return cell is not None and cell.error is None

    def _forget(self, arm: str) -> Path:
        """Return the cell's folder, with nothing in it: a run that was cut short leaves half of one."""
        folder = folder_of(self._study, arm, self._seed)
        try:
            if folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            raise RunFolderError(f"{folder}: cannot be emptied ({error.strerror})") from None
        return folder

    def _cell(self, arm: str) -> Cell:
        if arm == "no-training":
            return self._without_learning()
        if arm in ON_THE_BENCH:
            return self._from_the_bench(arm)
        if arm != "fleet" and (twin := self._twin(arm)):  # the fleet's own buffers are needed
            self._forget(arm)
            return replace(twin, arm=arm, shares=twin.shares or twin.arm)
        return self._lived(arm)

    def _twin(self, arm: str) -> Cell | None:
        """Return the cell of an arm that has lived with the very same fleet."""
        words = freeze(self._fleets[arm])
        for other, fleet in self._fleets.items():
            cell = read_cell(self._study, other, self._seed) if other != arm else None
            if cell is not None and cell.error is None and freeze(fleet) == words:
                return cell
        return None

    # --- lives

    def _without_learning(self) -> Cell:
        files = WholeFiles(self._forget("no-training"))
        population = live_without_learning(self._fleets["fleet"], annals=self._annals)
        files.write("fleet.toml", freeze(population.fleet).encode())
        files.write_table("life.csv", LIFE, life_lines(population.lived))
        files.write_table("ordinary.csv", ORDINARY, _ordinary_lines(population))
        return Cell("no-training", self._seed, lived=account.lived_without_learning(population))

    def _lived(self, arm: str) -> Cell:
        fleet, flat = self._fleets[arm], FlatBatteries()
        judge = self._yardstick.strangers
        ran = rehearsal.run(
            fleet,
            out=self._forget(arm),
            broker=BrokerChoice("memory"),
            workers=0,
            quiet=True,
            judge=judge.of(fleet.learning.model) if judge is not None else None,
            refers=False,
            heard=flat.hear,
            annals=self._annals,
        )
        world = ran.world
        assert world is not None  # it lived here
        if ran.cause == "failed":
            raise Crashed(world.course.reason)
        if arm == "fleet":
            self._keep_held_out(world)
            self._bench = Bench(world.fleet, world.buffers, self._yardstick), world.course.arrays
        arrays, model = world.course.arrays, fleet.learning.model
        return Cell(
            arm,
            self._seed,
            strangers=self._yardstick.on_strangers(arrays, model),
            own=self._yardstick.on_own(self._yardstick.alike(arrays), model),
            curve=tuple(account.curve(world)),
            lived=account.lived(world, ran.cause, flat.flat_s, self._ordinary(fleet), self._learning_days),
        )

    def _from_the_bench(self, arm: str) -> Cell:
        if self._bench is None:
            raise Crashed("it is trained from the buffers of the fleet's run, which crashed")
        bench, arrays = self._bench
        if arm == "central":
            strangers, own = bench.central()
            return Cell(arm, self._seed, strangers=strangers, own=own)
        return Cell(arm, self._seed, own=bench.local_only() if arm == "local-only" else bench.personalised(arrays))

    # --- what all arms have in common

    @cached_property
    def _common(self) -> Yardstick:
        return yardstick_for(self._fleets["fleet"])

    @property
    def _yardstick(self) -> Yardstick:
        return self._own_nights or self._common

    def _keep_held_out(self, world: World) -> None:
        """Of recordings nothing comes after the run: what devices keep from training judges them."""
        if recorded(world.fleet):
            nights = {name: buffer.nights() for name, buffer in world.buffers.items()}
            self._own_nights = replace(self._common, own=held_out(world.fleet, nights))

    def _ordinary(self, fleet: Fleet) -> Ordinary | None:
        """Return the same days without learning; None for an arm whose devices or days are others."""
        base = self._fleets["fleet"]
        if any(getattr(fleet, part) != getattr(base, part) for part in ("ideal", "group", "event", "life")):
            return None
        file = folder_of(self._study, "no-training", self._seed) / "ordinary.csv"
        if not self._done("no-training"):
            raise Crashed("what learning costs is told beside the days without it (no-training), which crashed")
        with file.open(encoding="utf-8") as lines:
            return Ordinary({line["device"]: float(line["j_a_day"]) for line in csv.DictReader(lines)})


def _ordinary_lines(population: Population) -> Iterator[Sequence[object]]:
    for device in population.residents:
        yield device.name, device.kind.kind, population.life_j[device.name] / population.fleet.days

"""A study from beginning to end: its folder, an engine that lives the missing cells, the verdict, tables and page."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fleetbeat.run_folder import WholeFiles
from fleetbeat.study.cell import Cell
from fleetbeat.study.cell_file import read_cell, write_cell
from fleetbeat.study.engines import Began, Ended, Engine, Lost, News, Task
from fleetbeat.study.folder import StudyFolder
from fleetbeat.study.settings import Study
from fleetbeat.study.study_file import Plan
from fleetbeat.study.verdict import Verdict, conclude
from fleetbeat.study.watch import Watch
from fleetbeat.study.yardstick import recorded


@dataclass(frozen=True, slots=True)
class Studied:
    """What is known at the end, or where it was stopped."""

    path: Path
    study: Study
    cells: Sequence[Cell]
    verdict: Verdict
    stopped: bool

    @property
    def crashed(self) -> list[Cell]:
        """The cells of arms that crashed."""
        return [cell for cell in self.cells if cell.error is not None]


def run(plan: Plan, out: Path, engine: Engine, *, seeds: tuple[int, ...], quiet: bool = False) -> Studied:
    """Live what is missing of *seeds* of *plan* in the folder *out*, and conclude from all seeds that are there.

    Ctrl-C stops it: what was done is concluded from. Raises RunFolderError for a folder that is not this study's.
    """
    folder = StudyFolder(out, plan)
    done = {(cell.arm, cell.seed): cell for cell in folder.cells(seeds) if cell.error is None}
    arms = plan.study.arms
    todo = [seed for seed in seeds if any((arm, seed) not in done for arm in arms)]
    stopped = False
    with Watch(arms, seeds, done.values(), quiet=quiet) as watch:
        watch.say(
            f"{plan.study.name}: {len(arms)} arms, {len(seeds)} seed{'' if len(seeds) == 1 else 's'}"
            f"{f', {len(done)} cells done before' if done else ''} → {out}"
        )
        try:
            with closing(engine.live([Task(plan.fleets, seed, out) for seed in todo])) as news:
                for one in news:
                    _note(one, out, arms, watch)
        except KeyboardInterrupt:
            stopped = True
    # what lies there counts, whoever asked for it; of seeds that were asked for and do not, the verdict says so
    known = tuple(dict.fromkeys((*seeds, *folder.seeds())))
    study = plan.study.model_copy(update={"seeds": known})
    cells = folder.cells(known)
    verdict = conclude(study, cells, recorded=recorded(plan.fleets["fleet"]))
    _write(out, study, cells, verdict)
    return Studied(out, study, cells, verdict, stopped)


def _note(news: News, out: Path, arms: Sequence[str], watch: Watch) -> None:
    if isinstance(news, Began):
        watch.began(news.arm, news.seed)
    elif isinstance(news, Ended):
        cell = read_cell(out, news.arm, news.seed)
        assert cell is not None  # it was written before it was told
        watch.ended(cell, news.wall_s)
    elif isinstance(news, Lost):
        watch.lost(news.seed, news.why)
        for arm in arms:
            if read_cell(out, arm, news.seed) is None:
                write_cell(out, Cell(arm, news.seed, error=news.why))


def _write(out: Path, study: Study, cells: Sequence[Cell], verdict: Verdict) -> None:
    """Write tables and page of what is there."""
    from fleetbeat.report.study_page import study_page
    from fleetbeat.study.study_tables import write_tables

    write_tables(out, study, cells, verdict)
    WholeFiles(out).write("report.html", study_page(study, cells, verdict).encode())

"""The report of one run: what happened, how well it learned, who failed to deliver and why, what it cost."""

from pathlib import Path

from fleetbeat.report import account, curve, guest, headline, hours_of_day, lanes, model, price_list, rounds
from fleetbeat.report.page import page
from fleetbeat.run_folder import cannot_be_written
from fleetbeat.saved_run import SavedRun

PARTS = (
    lambda run: curve.section(run) if run.fleet.app is None else guest.section(run),
    rounds.section,
    lanes.section,
    hours_of_day.section,
    account.section,
    price_list.section,
    model.section,
)


def write_report(run: SavedRun) -> Path:
    """Write ``report.html`` into the run folder, from what lies there, and return its path.

    The same folder gives the same bytes. Raises RunFolderError if a table is missing or the page cannot be written.
    """
    fleet = run.fleet
    sections = [part for part in (build(run) for build in PARTS) if part is not None]
    closing = f"Fleetbeat, from the run folder {run.path.resolve().name}. One seed: an anecdote."
    path = run.path / "report.html"
    document = page(
        f"Fleetbeat · {fleet.name} · seed {fleet.seed}", headline.title(run), headline.lead(run), sections, closing
    )
    try:
        path.write_text(document, "utf-8")
    except OSError as error:
        raise cannot_be_written(path, error, "change the folder's rights") from None
    return path

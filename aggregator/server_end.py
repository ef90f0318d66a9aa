"""How a server ends: what it raised, in a word and in a sentence for who reads the run folder."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aggregator.course import Course
from aggregator.lull import TooFewForTooLong
from aggregator.watched import Unusable
from broker.errors import FleetbeatError, RunEnded

_log = logging.getLogger(__name__)


@contextmanager
def told_to(course: Course, whose: str, files: Path | None) -> Iterator[None]:
    """Run a server in this block, and write down in *course* why it ended.

    What it raises ends there: *whose* says in words where it was raised, and the place is named if it lies in *files*
    (a file or a folder; None: nobody's). Only Fleetbeat's own errors leave the block, and RunEnded even where the
    server wrapped it in an error of its own: the run ended it, and it did not fail.
    """
    try:
        yield
    except TooFewForTooLong as error:
        course.ends("too_few_devices", str(error))
    except FleetbeatError:
        raise
    except Unusable as error:
        _log.info("the strategy cannot go on", exc_info=True)
        course.ends("failed", f"{error}{place_in(files, error.__cause__ or error)}")
    except Exception as error:  # somebody's own code: its author reads the traceback with -v
        if (ended := ended_by(error)) is not None:
            raise ended from None
        _log.info("failed %s", whose, exc_info=True)
        course.ends("failed", f"{type(error).__name__} {whose}: {error}{place_in(files, error)}")
    else:
        course.ends("rounds_done")


def ended_by(error: BaseException) -> RunEnded | None:
    """Return the end of the run that *error* came of, if it came of that."""
    link: BaseException | None = error
    while link is not None and not isinstance(link, RunEnded):
        link = link.__cause__ or link.__context__
    return link


def place_in(files: Path | None, error: BaseException) -> str:
    """Return `` (FILE, line N)``: the deepest place in *files* at which *error* happened; nothing if not there."""
    lines = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if files is not None and Path(frame.f_code.co_filename).is_relative_to(files)
    ]
    return " ({}, line {})".format(*lines[-1]) if lines else ""

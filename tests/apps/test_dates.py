"""Dates of an app's modules: virtual where its thread's time is, real elsewhere, and real values always."""

import datetime
import time
from types import ModuleType

import pytest

from aggregator import server_time
from aggregator.dates import guests_builtins
from fleetbeat.fit_clock import FitClock

NEW_YEAR = 1_767_225_600.0  # 2026-01-01, UTC


LATE = """
def year():
    from datetime import date as day
    return day.today().year
"""


@pytest.fixture
def module() -> ModuleType:
    """A guest's module that has imported dates in every way there is."""
    made = ModuleType("guest")
    made.__dict__["__builtins__"] = guests_builtins()
    exec("import datetime\nfrom datetime import datetime as moment, date, timedelta\n" + LATE, made.__dict__)
    return made


def test_dates_follow_the_time_of_the_thread(module: ModuleType) -> None:
    with server_time.lived_by(FitClock(NEW_YEAR)):
        time.sleep(3_600)  # noqa: TID251  # virtual here
        assert module.moment.now() == module.datetime.datetime.today() == datetime.datetime(2026, 1, 1, 1)
        assert module.moment.now(datetime.UTC).isoformat() == "2026-01-01T01:00:00+00:00"
        assert module.date.today() == datetime.date(2026, 1, 1)
        assert module.year() == 2026
        assert time.time_ns() == (int(NEW_YEAR) + 3_600) * 10**9


def test_elsewhere_dates_are_real(module: ModuleType) -> None:
    here = datetime.datetime.now()  # noqa: DTZ005, TID251  # the real one, to compare with

    assert abs((module.moment.now() - here).total_seconds()) < 60


def test_values_are_real_ones_and_pass_as_such(module: ModuleType) -> None:
    made = module.moment(2026, 2, 3) + module.timedelta(days=1)

    assert type(made) is datetime.datetime
    assert isinstance(made, module.moment)
    assert isinstance(datetime.date(2026, 1, 1), module.date)
    assert module.moment.strptime("2026", "%Y") == datetime.datetime(2026, 1, 1)
    assert module.datetime.timedelta is datetime.timedelta

"""What all tests share: which clock an async test lives on, and what happens where Mosquitto is missing."""

import asyncio
import os
from collections.abc import Callable, Mapping

import pytest

from broker.mosquitto import find_mosquitto
from fleetbeat.clock import VirtualLoop

NO_BROKER = "Mosquitto is not installed: what runs over a real broker was not tested"


def in_ci() -> bool:
    """Tell whether a skipped test must count as a failure."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give an async test the virtual clock when it asks for it, and an ordinary loop otherwise."""
    if item.get_closest_marker("virtual_time"):
        return {"virtual": VirtualLoop}
    return {"wall": asyncio.SelectorEventLoop}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a broker where there is none; in CI that is a failure."""
    if item.get_closest_marker("needs_broker") and find_mosquitto() is None:
        if in_ci():
            pytest.fail(f"{NO_BROKER}; in CI that is a failure", pytrace=False)
        pytest.skip(NO_BROKER)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end what was left untested for want of a broker."""
    skipped = [report for report in terminalreporter.getreports("skipped") if NO_BROKER in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(
            f"{NO_BROKER} (skipped: {len(skipped)}). Install the package mosquitto.", yellow=True
        )

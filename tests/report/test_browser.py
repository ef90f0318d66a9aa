"""The report in a real browser: every plot is drawn, and nothing complains."""

import shutil
import subprocess
from pathlib import Path

import pytest

from fleetbeat.report import write_report
from fleetbeat.saved_run import SavedRun

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SILENT = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=10000",
    "--dump-dom",
)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: the report was not opened in a browser")
def test_a_browser_draws_every_plot(household: Path, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    path = write_report(SavedRun(household))

    command = [CHROMIUM, *SILENT, f"--user-data-dir={tmp_path}", path.resolve().as_uri()]
    page = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

    plots = page.count('data-plot="')
    assert f'data-drawn="{plots}"' in page
    assert page.count("js-plotly-plot") >= plots

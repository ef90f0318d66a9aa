"""The suite's own rules: time that jumps, and a missing broker that is a failure in CI alone."""

import asyncio

import pytest

from tests import conftest


class NeedsBroker:
    """As much of a pytest item as the rule looks at."""

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return pytest.mark.needs_broker.mark if name == "needs_broker" else None


@pytest.fixture
def no_mosquitto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conftest, "find_mosquitto", lambda: None)


@pytest.mark.usefixtures("no_mosquitto")
def test_a_missing_broker_skips_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="Mosquitto is not installed"):
        conftest.pytest_runtest_setup(NeedsBroker())  # type: ignore[arg-type]  # a stand-in for an item


@pytest.mark.usefixtures("no_mosquitto")
def test_a_missing_broker_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="in CI that is a failure"):
        conftest.pytest_runtest_setup(NeedsBroker())  # type: ignore[arg-type]  # a stand-in for an item


@pytest.mark.virtual_time
async def test_a_year_passes_at_once_on_the_virtual_clock() -> None:
    await asyncio.sleep(365 * 86_400)

    assert asyncio.get_running_loop().time() == 365 * 86_400


async def test_an_ordinary_test_lives_on_an_ordinary_loop() -> None:
    assert type(asyncio.get_running_loop()) is asyncio.SelectorEventLoop

import asyncio
import logging
from itertools import pairwise

import pytest

from devices.fleet_api import outage as outage_module
from devices.fleet_api.outage import Away, Outage

pytestmark = pytest.mark.virtual_time


class Ear:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def server_lost(self, reason: str) -> None:
        self.heard.append(f"lost: {reason}")

    def server_found(self) -> None:
        self.heard.append("found")


class Server:
    """Answers from *back_s* on; knows when it was asked."""

    def __init__(self, outage: Outage, back_s: float) -> None:
        self._outage = outage
        self._back_s = back_s
        self.asked_s: list[float] = []

    async def call(self) -> str:
        now_s = asyncio.get_running_loop().time()
        self.asked_s.append(now_s)
        await asyncio.sleep(0)
        if now_s < self._back_s:
            raise Away("refused", now_s)
        self._outage.over()
        return "yes"


@pytest.fixture(autouse=True)
def _really(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is virtual here: waits are as long as the product's."""
    monkeypatch.setattr(outage_module, "FIRST_WAIT_S", 0.2)
    monkeypatch.setattr(outage_module, "LONGEST_WAIT_S", 5.0)
    monkeypatch.setattr(outage_module, "PATIENCE_S", 2.0)


async def test_one_asks_for_all_and_less_and_less_often() -> None:
    outage = Outage("here")
    server = Server(outage, back_s=600.0)
    outage.seen(Away("refused", 0.0))

    answers = await asyncio.gather(*(outage.outlast(server.call) for _ in range(300)))

    assert answers == ["yes"] * 300
    before = [asked_s for asked_s in server.asked_s if asked_s < 600.0]
    assert 600 / 5 < len(before) < 600 / 2
    gaps_s = [later - sooner for sooner, later in pairwise(before)]
    assert gaps_s[0] < 0.5
    assert all(2.5 <= gap_s <= 5.0 for gap_s in gaps_s[6:])


async def test_an_outage_makes_two_lines_however_many_wait(caplog: pytest.LogCaptureFixture) -> None:
    outage, ear = Outage("here:1"), Ear()
    outage.listeners.append(ear)
    server = Server(outage, back_s=60.0)
    outage.seen(Away("refused", 0.0))

    with caplog.at_level(logging.WARNING):
        await asyncio.gather(*(outage.outlast(server.call) for _ in range(50)))

    assert ear.heard == ["lost: refused", "found"]
    assert [record.getMessage().split(",")[0] for record in caplog.records] == [
        "the SuperLink at here:1 does not answer (refused): trying until it does",
        "the SuperLink at here:1 answers again",
    ]
    assert outage.reason is None


async def test_a_hitch_is_nobodys_news(caplog: pytest.LogCaptureFixture) -> None:
    outage, ear = Outage("here"), Ear()
    outage.listeners.append(ear)
    server = Server(outage, back_s=1.0)
    outage.seen(Away("refused", 0.0))

    with caplog.at_level(logging.WARNING):
        await outage.outlast(server.call)

    assert (ear.heard, caplog.records) == ([], [])


async def test_what_the_server_says_no_to_is_not_tried_again() -> None:
    outage = Outage("here")
    outage.seen(Away("refused", 0.0))

    async def no() -> str:
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        await outage.outlast(no)


async def test_a_call_that_hung_is_news_at_once_unless_others_were_answered() -> None:
    outage, ear = Outage("here"), Ear()
    outage.listeners.append(ear)

    await asyncio.sleep(29.0)
    outage.over()
    await asyncio.sleep(1.0)
    outage.seen(Away("timed out", 0.0))
    assert ear.heard == [], "the server answered somebody a second ago"
    outage.over()
    await asyncio.sleep(30.0)
    outage.seen(Away("timed out", 30.0))

    assert ear.heard == ["lost: timed out"]

"""The live server tells its whole story, to the end and whatever that is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import Context, Message, RecordDict
from flwr.serverapp.strategy import FedAvg

from aggregator.patient import RunStopped
from broker import events as ev
from broker.errors import SettingsError, UsageError
from devices.fleet_file import Overrides, load_fleet
from devices.settings import Fleet
from fleetbeat.live_app import BROKER, FLEET, live_fleet, whereabouts
from fleetbeat.live_server import LiveServer, RunFailed
from fleetbeat.packing import unpacked
from fleetbeat.standing import Standing
from tests.aggregator.fleet import Answering, answer, failing
from tests.aggregator.live_ground import LiveFleet

CONTEXT = Context(1, 1, {}, RecordDict(), {})


def household(*sets: str) -> Fleet:
    own = ("first_round_s=600", "round_every_s=6000", "round_deadline_s=3600", "fraction_evaluate=0", *sets)
    return load_fleet("household", Overrides(sets=tuple(f"learning.{line}" for line in own)))


def server(live: LiveFleet, fleet: Fleet, **resuming: Any) -> LiveServer:
    ears = live.diary.append, lambda _words: None
    return LiveServer(fleet, live.road, live.telling, live.time, None, *ears, **resuming)


def at_home(answering: Answering = answer) -> LiveFleet:
    """The household's three trainers, by their own names."""
    live = LiveFleet(3, answering=answering)
    own = ("smartwatch-1", "phone-1", "tablet-1")
    live.telling.nodes_of = dict(zip(live.telling.nodes_of, own, strict=True))
    return live


def test_it_shares_each_model_and_notes_flowers_metrics() -> None:
    live = at_home()

    server(live, household("rounds=2")).run(CONTEXT)

    models = {event.round: unpacked(event.npz_base64) for event in live.events(ev.ModelShared)}
    assert sorted(models) == [0, 1, 2]
    assert np.array_equal(models[1][0], models[0][0] + 1)
    noted = [(event.round, event.name) for event in live.events(ev.MetricsNoted)]
    assert noted == [(1, "train_metrics_clientapp"), (2, "train_metrics_clientapp")]
    chosen = {event.device for event in live.events(ev.DeviceSelected)}
    assert chosen == {"smartwatch-1", "phone-1", "tablet-1"}
    assert live.diary[-1] == ev.ServerEnded(live.time.now_s(), None, "rounds_done", "")


def test_the_end_of_the_fleets_days_is_an_end_like_another() -> None:
    live = at_home()

    server(live, household("round_every_s=400000")).run(CONTEXT)

    assert live.diary[-1] == ev.ServerEnded(4 * 86_400.0, None, "days_over", "")


def test_a_strategy_that_fails_fails_the_run_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("it adds nothing up")

    monkeypatch.setattr(FedAvg, "aggregate_train", broken)
    live = at_home()

    with pytest.raises(RunFailed, match="it adds nothing up"):
        server(live, household()).run(CONTEXT)

    assert live.events(ev.ServerEnded)[0].cause == "failed"
    assert {event.reason for event in live.events(ev.UpdateRejected)} == {"invalid"}


@pytest.mark.parametrize(
    ("what", "told", "cause"),
    [
        (RunStopped("the run was stopped at the SuperLink"), None, "stopped"),
        (SystemExit(0), SystemExit, "stopped"),
        (KeyboardInterrupt(), KeyboardInterrupt, "stopped"),
        (MemoryError("no room"), None, "failed"),
    ],
)
def test_whatever_ends_it_is_told(
    what: BaseException, told: type[BaseException] | None, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = at_home()

    def ends(_messages: list[Message]) -> None:
        raise what

    monkeypatch.setattr(live.road, "push_messages", ends)
    run: Callable[[Context], None] = server(live, household()).run
    if told is not None or cause == "failed":
        with pytest.raises(told or RunFailed):
            run(CONTEXT)
    else:
        run(CONTEXT)

    assert live.events(ev.ServerEnded)[0].cause == cause


def test_errors_of_devices_are_their_own_and_end_nothing() -> None:
    live = at_home(answering=failing)

    server(live, household("rounds=1")).run(CONTEXT)

    assert len(live.events(ev.ErrorReceived)) == 3
    assert live.events(ev.ServerEnded)[0].cause == "rounds_done"


# --- where it finds its fleet


def test_without_a_broker_nothing_is_live() -> None:
    assert whereabouts({FLEET: "household"}) is None
    assert whereabouts({BROKER: ""}) is None


def test_a_broker_without_a_fleet_is_refused() -> None:
    with pytest.raises(SettingsError, match="FLEETBEAT_FLEET: found nothing"):
        whereabouts({BROKER: "mqtt://127.0.0.1:1883"})


def test_a_broker_and_its_users_come_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("server:secret\n", encoding="utf-8")

    where = whereabouts({BROKER: "mqtt://here:1999", FLEET: "ward", "FLEETBEAT_BROKER_CREDENTIALS": str(file)})

    assert where is not None
    assert (str(where.address), where.fleet) == ("mqtt://here:1999", "ward")
    assert where.credentials.of("server") == ("server", "secret")
    with pytest.raises(UsageError, match="broker address"):
        whereabouts({BROKER: "http://here", FLEET: "ward"})


def test_what_a_run_says_takes_the_place_of_the_fleets_own() -> None:
    fleet = live_fleet("household", {"rounds": 7, "strategy": "fedmedian"})

    assert (fleet.learning.rounds, fleet.learning.strategy) == (7, "fedmedian")
    with pytest.raises(SettingsError, match="the fleet that lives is household"):
        live_fleet("household", {"fleet": "ward"})


def test_a_server_goes_on_where_another_died() -> None:
    first, left = at_home(), list[Standing]()
    server(first, household("rounds=2"), leave=left.append).run(CONTEXT)
    trained = next(standing for standing in left if standing.round == 2 and standing.open)
    second = at_home()

    server(second, household("rounds=4"), before=trained, leave=left.append).run(CONTEXT)

    rounds = [(standing.round, standing.open) for standing in left]
    assert rounds[:4] == [(1, True), (1, False), (2, True), (2, False)]
    assert rounds[4:] == [(2, False), (3, True), (3, False), (4, True), (4, False)]
    models = {event.round: unpacked(event.npz_base64) for event in second.events(ev.ModelShared)}
    assert sorted(models) == [2, 3, 4]
    assert np.array_equal(models[4][0], models[2][0] + 2)
    assert [event.round for event in second.events(ev.RoundEnded)] == [2, 3, 4]
    assert sorted({event.round for event in second.events(ev.DeviceSelected)}) == [3, 4]
    assert sorted({event.round for event in second.events(ev.MetricsNoted)}) == [3, 4]
    assert second.events(ev.ServerEnded)[0].cause == "rounds_done"


def test_a_strategy_with_a_loop_of_its_own_cannot_go_on(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from flwr.serverapp.strategy import FedAvg\n\n\nclass Own(FedAvg):\n"
        "    def start(self, grid, initial_arrays, num_rounds, timeout, evaluate_fn):\n        return None\n"
    )
    before = Standing(1, [np.zeros((1, 3)), np.zeros(1)], 0.0, open=False)

    with pytest.raises(SettingsError, match="has a loop of its own, which cannot begin after round 1"):
        server(at_home(), household(f"strategy={tmp_path}/mine.py:Own"), before=before)

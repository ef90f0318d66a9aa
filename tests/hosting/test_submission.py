"""A run that is handed in: what Flower's own command is told."""

from pathlib import Path
from typing import Any

import pytest
from flwr.common.config import get_project_config, parse_config_args

from fleetbeat import submission
from fleetbeat.submission import Connection, submit


@pytest.mark.parametrize("said", [{}, {"rounds": 1, "fraction_train": 0.5, "strategy": 'it\'s "mine".py:Own = 1'}])
def test_what_is_said_to_the_server_is_what_flower_reads(said: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[str, Any] = {}

    def flwr(_connection: Connection, *words: str) -> dict[str, Any]:
        command, app, _where, option, overrides = words
        assert (command, option) == ("run", "--run-config")
        config = get_project_config(Path(app))["tool"]["flwr"]["app"]["config"]
        heard.update(config=config, overrides=parse_config_args([overrides]))
        return {"run-id": "7"}

    monkeypatch.setattr(submission, "_flwr", flwr)

    run = submit(Connection("127.0.0.1:9"), {"fleet": "household", "rounds": 3}, said)

    assert run.run_id == 7
    assert heard == {"config": {"fleet": "household", "rounds": 3, **said}, "overrides": said}

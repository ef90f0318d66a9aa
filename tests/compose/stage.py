"""docker-compose.yml on a real engine, under a name of its own, with everything removed at the end."""

import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aggregator.accounting import OUTCOMES
from fleetbeat.saved_run import SavedRun

ROOT = Path(__file__).parents[2]


@dataclass
class Stage:
    """One project: *runs* stands for ``./runs``."""

    folder: Path
    project: str = field(default_factory=lambda: f"fleetbeat-test-{secrets.token_hex(3)}")

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def __post_init__(self) -> None:
        mounts = {"volumes": [f"{self.runs}:/runs"]}
        override = {"services": {"keys": mounts, "aggregator": mounts}}
        self._files = [ROOT / "docker-compose.yml", self.folder / "override.json"]
        self._files[1].write_text(json.dumps(override))

    def compose(
        self, *words: str, settings: Mapping[str, str] | None = None, within_s: float = 120.0, code: int = 0
    ) -> str:
        """Run a command of Compose to its end, and return what it says."""
        ran = subprocess.run(
            self.command(*words),
            env=self.environment(settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=within_s,
        )
        said = ran.stdout.decode(errors="replace")
        assert ran.returncode == code, f"{words}: {ran.returncode}\n{said[-2000:]}\n{ran.stderr.decode()[-4000:]}"
        return said

    def command(self, *words: str) -> list[str]:
        files = [word for file in self._files for word in ("-f", str(file))]
        return ["docker", "compose", "--project-name", self.project, "--env-file", os.devnull, *files, *words]

    def environment(self, settings: Mapping[str, str] | None) -> dict[str, str]:
        """Nothing of the user's own settings counts."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("FLEETBEAT_", "COMPOSE_"))}
        return {**clean, "FLEETBEAT_IMAGE": f"{self.project}:test", **(settings or {})}

    @contextmanager
    def looking_on(self, service: str, seconds: int) -> Iterator["Seen"]:
        """Look on for so many *seconds*, with the options that *service* has from ``keys``."""
        words = ("run", "--rm", "--no-deps", "-T", service, "mosquitto_sub", "-W", str(seconds))
        looking = subprocess.Popen(
            self.command(*words), env=self.environment(None), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        seen = Seen()
        try:
            yield seen
        finally:
            seen.lines = looking.communicate(timeout=seconds + 60)[0].splitlines()

    def logs(self, service: str) -> str:
        return self.compose("logs", "--no-color", "--no-log-prefix", service)

    def container(self, service: str) -> dict[str, Any]:
        """What the engine knows of a service's container."""
        (name,) = self.compose("ps", "--all", "--quiet", service).split()
        inspected: list[dict[str, Any]] = json.loads(
            subprocess.run(["docker", "inspect", name], capture_output=True, check=True).stdout
        )
        return inspected[0]

    def awaits_end(self, service: str, within_s: float) -> int:
        """Return its exit code."""
        until_s = time.monotonic() + within_s
        while (state := self.container(service)["State"])["Status"] != "exited":
            assert time.monotonic() < until_s, f"{service} goes on after {within_s:g} s:\n{self.logs(service)[-3000:]}"
            time.sleep(1.0)  # noqa: TID251  # real containers take real time
        code: int = state["ExitCode"]
        return code

    def awaits_line(self, service: str, words: str, within_s: float) -> None:
        until_s = time.monotonic() + within_s
        while words not in self.logs(service):
            assert time.monotonic() < until_s, f"{service} did not say {words!r}:\n{self.logs(service)[-3000:]}"
            time.sleep(0.5)  # noqa: TID251  # real containers take real time

    def remove(self) -> None:
        self.compose("--profile", "*", "down", "--volumes", "--timeout", "5", "--remove-orphans", within_s=180.0)
        subprocess.run(["docker", "image", "rm", "--force", f"{self.project}:test"], capture_output=True, timeout=60)


@dataclass
class Seen:
    """What somebody who looked on saw: ``topic payload`` a line."""

    lines: list[bytes] = field(default_factory=list)

    @property
    def leaves(self) -> set[str]:
        """The last parts of the topics."""
        topics = (line.split(b" ", 1)[0].decode(errors="replace") for line in self.lines)
        return {topic.rpartition("/")[2] for topic in topics if topic.startswith("fleetbeat/v1/")}


def check_account(run: SavedRun, rounds: int) -> None:
    """Fail unless every selected device-round has its one outcome, and every reading its one place."""
    lines = run.table("rounds.csv")
    assert [int(line["round"]) for line in lines] == list(range(1, rounds + 1))
    for line in lines:
        assert int(line["selected"]) == sum(int(line[outcome]) for outcome in OUTCOMES) > 0, line
    for line in run.table("devices.csv"):
        places = ("readings_buffered", "readings_dropped", "readings_in_flight")
        assert int(line["readings_sensed"]) == sum(int(line[place]) for place in places), line

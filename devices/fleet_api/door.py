"""The SuperLink's door: all HTTP of one process's nodes, on an ordinary loop in a thread of its own."""

import asyncio
import concurrent.futures
import logging
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx

from broker.crossing import Crossing
from broker.errors import SettingsError
from devices.fleet_api import flower
from devices.fleet_api.budget import Budget
from devices.fleet_api.flower import ApiErrorCode, Request, RunFacts
from devices.fleet_api.identity import Identity
from devices.fleet_api.outage import Away, NoLonger, Outage
from devices.fleet_api.shelf import Shelf

KEEPALIVE_S = 4.0
"""The SuperLink's server drops a connection that was idle for 5 s: we do it first."""
SERVER_BUSY = (502, 503, 504)
UNKNOWN = 401
"""Whose signature is not taken, or who is no node."""
FORGOTTEN_TOGETHER_S = 60.0
AHEAD_S, BEHIND_S = 6.0, 306.0
"""With a date that far from the server's no signature is taken (flwr 1.41: 5 and 305 s, and a second for rounding)."""

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one process asks of a SuperLink at most: enough for thousands of nodes, and the ServerApp has its turn."""

    connections: int = 8
    polls_per_s: float = 40.0
    """A SuperLink answers about 200 calls a second and spends 4 ms of its one core on each."""
    tasks_in_flight: int = 16


class Refused(Exception):  # not an error of ours: the server's answer
    """The SuperLink said no: HTTP *status*, and Flower's own *code* where it gave one."""

    def __init__(self, path: str, status: int, code: int | None, detail: str) -> None:
        super().__init__(f"{path}: HTTP {status}: {detail[:200]}")
        self.status = status
        self.code = code


def client_for(url: str, ca_file: Path | None = None) -> httpx.AsyncClient:
    """Return a client for the SuperLink at *url*; https is verified by *ca_file*, or by the system's authorities.

    Proxies in the environment are not asked. Raises SettingsError for a URL or a file that cannot be used.
    """
    try:
        where = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise SettingsError(f"{url!r} is not a URL: {error}") from None
    if where.scheme not in ("http", "https") or not where.host:
        raise SettingsError(f"the SuperLink's address is {url!r}: expected https://HOST:PORT, or http://HOST:PORT")
    try:
        tls = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"{ca_file}: not a file of CA certificates ({error})") from None
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of every call
    return httpx.AsyncClient(
        base_url=f"{str(where).rstrip('/')}/v1/fleet/",
        verify=tls,
        limits=httpx.Limits(max_connections=None, keepalive_expiry=KEEPALIVE_S),
        timeout=httpx.Timeout(30.0, connect=5.0),
        trust_env=False,
    )


class FleetDoor:
    """One per process. What is not said to be for any thread belongs to the door's own loop."""

    def __init__(self, client: httpx.AsyncClient, limits: Limits | None = None) -> None:
        """Begin; nothing is sent before a node is reachable."""
        limits = limits or Limits()
        self._client = client
        self._slots = asyncio.Semaphore(limits.connections)
        self.in_flight = asyncio.Semaphore(limits.tasks_in_flight)
        self.budget = Budget(limits.polls_per_s)
        self.outage = Outage(f"{client.base_url.host}:{client.base_url.port}")
        self.shelf = Shelf()
        self._runs: dict[int, asyncio.Future[RunFacts]] = {}
        self._overrides: dict[int, Mapping[str, str | int | float | bool]] = {}
        self._over: set[int] = set()
        self._complaints: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._forgotten_s = -FORGOTTEN_TOGETHER_S
        self._closed = False
        self._crossing = Crossing("fleet-api")

    # --- for any thread

    def post(self, call: Callable[[], None]) -> None:
        """Have *call* made on the door's loop, after all those before it; a door that is closed makes none."""
        if not self._closed:
            self._crossing.post(call)

    def ask_for(self, work: Callable[[], Coroutine[Any, Any, Answer]]) -> "concurrent.futures.Future[Answer]":
        """Start *work* on the door's loop, after all calls before it."""
        return self._crossing.ask(work, in_turn=False)

    def run_overrides(self, run_id: int) -> Mapping[str, str | int | float | bool]:
        """Return what the run's user overrode (``--run-config``); known for every run whose tasks were handed on."""
        return self._overrides.get(run_id, {})

    def is_over(self, run_id: int) -> bool:
        """Whether the SuperLink said that a run has ended."""
        return run_id in self._over

    def close(self, patience_s: float = 20.0) -> None:
        """Let nodes that sign off do so for at most *patience_s* of the wall, and end the thread."""
        if self._closed:
            return
        self._closed = True
        self._crossing.ask(lambda: self._leave(patience_s), in_turn=False).result()
        self._crossing.stop()

    # --- on the door's loop

    def begin(self, work: Awaitable[None], *, leaving: bool = False) -> "asyncio.Task[None]":
        """Have *work* done in the background; the door waits for those who are *leaving* before it closes."""
        task = asyncio.ensure_future(_logged(work))
        for group in (self._tasks, self._leaving) if leaving else (self._tasks,):
            group.add(task)
            task.add_done_callback(group.discard)
        return task

    async def ask(self, request: Request[Answer], who: Identity, still: Callable[[], bool] = lambda: True) -> Answer:
        """Return the answer to *request*, however long the SuperLink is away.

        Raises Refused when it says no, and NoLonger when *still* says so before the call was made.
        """

        async def attempt() -> Answer:
            if not still():
                raise NoLonger
            return await self._call(request, who)

        try:
            return await attempt()
        except Away as away:
            self.outage.seen(away)
        return await self.outage.outlast(attempt)

    async def facts(self, run_id: int, who: Identity, node_id: int) -> RunFacts:
        """Return what the SuperLink says about a run; it is asked once. Raises Refused, if the run is over."""
        known = self._runs.get(run_id)
        if known is None or (known.done() and known.exception() is not None):
            known = self._runs[run_id] = asyncio.ensure_future(self.ask(flower.get_run(node_id, run_id), who))
        facts = await asyncio.shield(known)
        self._overrides[run_id] = facts.overrides
        return facts

    def refused(self, refusal: Refused, run_id: int) -> None:
        """Note what a refusal says about a run."""
        if refusal.code == ApiErrorCode.FLEET_RUN_STATUS_NOT_ALLOWED:
            self._over.add(run_id)
        elif refusal.status != UNKNOWN:
            self.complain(str(refusal), f"run {run_id}")

    def forgotten(self) -> None:
        """A node was not known any more: log it once for all that are forgotten together."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._forgotten_s > FORGOTTEN_TOGETHER_S:
            _log.warning("the SuperLink does not know its nodes any more (it has no database?): they enrol again")
        self._forgotten_s = now_s

    def complain(self, what: str, who: str) -> None:
        """Log *what* once, with the first to whom it happens."""
        if what not in self._complaints:
            self._complaints.add(what)
            _log.warning("%s, and perhaps others: %s", who, what)

    async def _call(self, request: Request[Answer], who: Identity) -> Answer:
        """Make one call, twice if the signature was too old (somebody set the clock)."""
        asked_s = asyncio.get_running_loop().time()
        response = await self._post(request, who)
        if response.status_code == UNKNOWN and who.sign_anew():
            response = await self._post(request, who)
        if response.status_code in SERVER_BUSY:
            raise Away(f"HTTP {response.status_code}", asked_s)
        if response.status_code == UNKNOWN and (wrong := _wrong_date(response)) is not None:
            raise Away(wrong, asked_s)  # it will answer once the date is right; and it has forgotten nobody
        self.outage.over()
        if response.status_code != 200:
            raise Refused(request.path, response.status_code, flower.error_code(response.text), response.text)
        try:
            return request.read(response.content)
        except (flower.DecodeError, ValueError) as error:
            raise Refused(request.path, 200, None, f"not a SuperLink's answer ({error})") from error

    async def _post(self, request: Request[Answer], who: Identity) -> httpx.Response:
        async with self._slots:
            asked_s = asyncio.get_running_loop().time()
            try:
                return await self._client.post(request.path, content=request.body, headers=who.headers())
            except httpx.TransportError as error:
                raise Away(str(error) or type(error).__name__, asked_s) from error

    async def _leave(self, patience_s: float) -> None:
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=patience_s)
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()


def _wrong_date(response: httpx.Response) -> str | None:
    """Return why a signature of now is not taken, if it is because of the date; None if it must be something else."""
    try:
        theirs = parsedate_to_datetime(response.headers["date"])
    except (KeyError, ValueError):
        return None
    ahead_s = (flower.now() - theirs).total_seconds()
    if -BEHIND_S < ahead_s < AHEAD_S:
        return None
    return f"this machine's clock is {abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} the SuperLink's"


async def _logged(work: Awaitable[None]) -> None:
    try:
        await work
    except Exception:  # one node's trouble is not the others'
        _log.exception("a call of the Fleet API failed")

"""What a training device owes the server: it polls while it can, and does one task at a time."""

import asyncio
import math

from flwr.app import Message

from broker import events as ev
from devices.circumstances import Circumstances
from devices.intake import Intake
from devices.learning_table import Learning
from devices.readiness import Standing, objection
from devices.work import Tools, Work
from devices.workload import Workload, error_reply, workload

NEVER_S = math.inf


class Duty:
    """The far side of a device: heartbeats by reachability, tasks by polling."""

    def __init__(self, tools: Tools, learning: Learning, intake: Intake, poll_phase_s: float) -> None:
        self._tools = tools
        self._learning = learning
        self._intake = intake
        self._poll_phase_s = poll_phase_s
        self._reachable = False
        self._poll_at_s = NEVER_S
        self._work: Work | None = None
        self._task: asyncio.Task[Message | None] | None = None
        self._life: Circumstances | None = None
        self._apologies: list[Message] = []
        self._trouble: BaseException | None = None

    @property
    def node_id(self) -> int | None:
        """The device's Flower node."""
        return self._tools.uplink.node_id

    @property
    def busy(self) -> bool:
        """Whether a task is under way."""
        return self._task is not None and not self._task.done()

    @property
    def expected_train_s(self) -> float | None:
        """Seconds that the declared work takes this processor by itself; None if work is computed per task."""
        work = self._learning.work
        return round(self._tools.kind.processor.seconds(work.gflop, in_use=False), 1) if work is not None else None

    def next_poll_s(self, now_s: float) -> float:
        """Return the moment of the next poll that finds a task, or trouble; never, while there is none to find."""
        if self._trouble is not None:
            return now_s
        if self.busy or not self._reachable or not self._tools.uplink.waiting(now_s):
            self._poll_at_s = NEVER_S
        elif self._poll_at_s == NEVER_S:
            self._poll_at_s = self._on_grid(now_s)
        return self._poll_at_s

    async def reach(self, now_s: float, *, reachable: bool) -> None:
        """The server can be reached from now on, or no longer."""
        self._reachable = reachable
        if reachable:
            self._tools.uplink.reachable(now_s)
            while self._apologies:
                await self._tools.uplink.deliver(now_s, self._apologies.pop(0))
        else:
            self._tools.uplink.silent(now_s)

    def sign_off(self, now_s: float) -> None:
        """Leave in order: the server knows at once."""
        self._reachable = False
        self._tools.uplink.signed_off(now_s)

    def meet(self, life: Circumstances, *, reachable: bool) -> None:
        """Life changed: the work under way has to know."""
        if self.busy and self._work is not None and (life is not self._life or reachable != self._work.reachable):
            self._work.meet(life, reachable=reachable)
        self._life = life

    async def poll(self, now_s: float, standing: Standing) -> None:
        """Fetch a task if it is time, and begin it or refuse it."""
        if self._trouble is not None:
            raise self._trouble  # no outcome of the device: the run cannot go on
        if now_s < self.next_poll_s(now_s):
            return
        self._poll_at_s = NEVER_S
        uplink, tools = self._tools.uplink, self._tools
        message = uplink.fetch(now_s)
        if message is None:
            return
        round_, phase = uplink.label(message)
        tools.record(ev.TaskFetched(now_s, tools.device, round_, phase, uplink.waited_s(message, now_s)))
        await self._intake.empty_inbox(now_s)
        reason = objection(tools.kind.ready, standing)
        if reason is None and self._intake.examples < self._learning.min_examples:
            reason = "too_little_data"
        if reason is not None:
            tools.record(ev.TaskRefused(now_s, tools.device, round_, phase, reason))
            await uplink.deliver(now_s, error_reply(message, f"refused: {reason}"))
            return
        self._work = Work(tools, message, lambda: self._workload(message, phase), standing.life, round_, phase)
        self._task = asyncio.create_task(self._work.run(), name=f"{tools.device}/{phase}-{round_}")
        self._task.add_done_callback(self._ended)

    async def cut(self, why: str) -> None:
        """End the work under way, if any; a crash leaves an answer to be sent when the device is up again."""
        if self._task is None or self._work is None:
            return
        self._work.cut(why)
        await self._task
        self._task = self._work = None

    def _ended(self, task: "asyncio.Task[Message | None]") -> None:
        """Life's and the app's failures are outcomes; one of ours is kept for the agent, who looks around now."""
        self._trouble = None if task.cancelled() else task.exception()
        if not task.cancelled() and self._trouble is None and (apology := task.result()) is not None:
            self._apologies.append(apology)
        self._tools.loads_changed()

    def _workload(self, message: Message, phase: str) -> Workload:
        examples, fresh = self._intake.examples_for(phase, holds_out=self._learning.fraction_evaluate > 0)
        return workload(self._learning, message, examples, fresh)

    def _on_grid(self, now_s: float) -> float:
        """Return the first moment from *now_s* on at which this node polls."""
        every_s = self._learning.poll_s
        if every_s <= 0:
            return now_s
        return self._poll_phase_s + math.ceil((now_s - self._poll_phase_s) / every_s - 1e-9) * every_s

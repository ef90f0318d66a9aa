"""The references that live no days of their own: models trained on what reached the buffers of the fleet's run."""

from collections.abc import Mapping

from devices.buffer import Buffer, Examples
from devices.learning import baselines
from devices.learning.baselines import CENTRAL_EXAMPLES, thinned
from devices.learning.holdout import parted
from devices.learning.models import Fit, initial_arrays
from devices.learning.task import TASKS, Arrays
from devices.settings import Fleet
from fleetbeat.study.cell import Judged
from fleetbeat.study.yardstick import Yardstick


class Bench:
    """All that ever reached a buffer of *fleet*'s run, as far as a device may train on it."""

    def __init__(self, fleet: Fleet, buffers: Mapping[str, Buffer], yardstick: Yardstick) -> None:
        learning = fleet.learning
        self._task = TASKS[learning.task]
        self._how = Fit(
            local_epochs=learning.local_epochs,
            class_weight=learning.class_weight,
            epochs=learning.epochs,
            model=learning.model,
        )
        self._yardstick = yardstick
        holds_out = learning.fraction_evaluate > 0
        may = {name: parted(self._task, buffer.nights(), holds_out=holds_out)[0] for name, buffer in buffers.items()}
        self._examples: dict[str, Examples] = {name: examples for name, examples in may.items() if len(examples)}

    def central(self) -> tuple[Judged | None, Judged | None]:
        """Return how the model of all data in one place answers strangers, and the fleet's own wearers."""
        arrays = initial_arrays(self._task, self._how.model)
        if self._examples:
            pooled = thinned([*self._examples.values()], CENTRAL_EXAMPLES)
            arrays = baselines.central(self._task, pooled, self._how)
        yardstick, model = self._yardstick, self._how.model
        return yardstick.on_strangers(arrays, model), yardstick.on_own(yardstick.alike(arrays), model)

    def local_only(self) -> Judged | None:
        """Return how each device's own model answers its own wearer's nights."""
        judged = self._judged()
        models = baselines.local_only(self._task, [*judged.values()], self._how)
        return self._yardstick.on_own(self._by_device(judged, models, None), self._how.model)

    def personalised(self, arrays: Arrays) -> Judged | None:
        """Return how the global model *arrays*, fine-tuned on each device, answers its own wearer's nights."""
        judged = self._judged()
        models = baselines.personalised(self._task, arrays, [*judged.values()], self._how)
        return self._yardstick.on_own(self._by_device(judged, models, arrays), self._how.model)

    def _judged(self) -> dict[str, Examples]:
        """Return the examples of those devices whose own wearers are judged: nobody asks the others' models."""
        return {name: examples for name, examples in self._examples.items() if name in self._yardstick.own}

    def _by_device(
        self, judged: Mapping[str, Examples], models: list[Arrays], otherwise: Arrays | None
    ) -> dict[str, Arrays | None]:
        own = dict(zip(judged, models, strict=True))
        return {name: own.get(name, otherwise) for name in self._yardstick.own}

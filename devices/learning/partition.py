"""The partition: a device of the fleet for Flower's own simulation, where every device is always on.

There is no life here: readings are never missed, nothing runs empty. A partition's buffer holds all nights that the
device would have by the fleet's last day.
"""

import math
from collections.abc import Mapping
from functools import lru_cache

from devices.body import Body, RecordedBody, SyntheticBody, read_recordings
from devices.buffer import MemoryBuffer
from devices.fleet_file import load_fleet
from devices.learning.diary import diary_for
from devices.learning.history import DAY_S, at_sport, nights_of
from devices.learning.task import TASKS
from devices.residents import Device, residents
from devices.settings import Fleet

RunConfig = Mapping[str, bool | bytes | float | int | str]


def buffer_of_partition(partition_id: int, num_partitions: int, run_config: RunConfig) -> MemoryBuffer:
    """Return the full buffer of the training device that node *partition_id* of *num_partitions* stands for.

    The fleet is ``run_config["fleet"]`` (``household``), its task and epochs those of *run_config* where it has
    them. In a federation larger than the fleet, further nodes are further wearers (recorded persons repeat).
    """
    fleet = str(run_config.get("fleet", "household"))
    task, epochs = (str(run_config.get(key, "")) for key in ("task", "epochs"))
    return _filled(partition_id % max(num_partitions, 1), fleet, task, epochs)


@lru_cache(maxsize=256)
def _filled(number: int, fleet_name: str, task_name: str, epochs: str) -> MemoryBuffer:
    """Fill the buffer once per process: a simulation asks for it in every round."""
    fleet = load_fleet(fleet_name)
    devices = residents(fleet)
    trainers = [device for device in devices if device.kind.trains]
    lap, which = divmod(number, len(trainers))
    trainer = trainers[which]
    task = TASKS[task_name or fleet.learning.task]
    wearer = trainer.wearer if not lap else f"{trainer.wearer}-{lap + 1}"
    buffer = MemoryBuffer(f"memory:{trainer.name}/{lap}/{task.name}/{epochs}", 0)
    body = _body(fleet, trainer, wearer)
    history_s = math.inf if trainer.recording else fleet.learning.history_nights * DAY_S
    from_s, to_s = -history_s, fleet.days * DAY_S
    kinds = [device.kind for device in devices if device.trainer == trainer.name]
    senses = {channel: every_s for kind in kinds for channel, every_s in kind.senses.items()}
    sessions = [own for kind in kinds for own in at_sport(body, kind, from_s - DAY_S, to_s)]
    diary = diary_for(fleet.learning.label_source, task, fleet.seed, wearer)
    for index, examples in nights_of(
        body, senses, task, from_s, to_s, epochs=epochs or fleet.learning.epochs, diary=diary, sessions=sessions
    ):
        buffer.keep_night(index, examples, fresh=False)
    return buffer


def _body(fleet: Fleet, device: Device, wearer: str) -> Body:
    if device.recording is None:
        return SyntheticBody(fleet.seed, wearer, fleet.start, device.traits)
    folder, person = device.recording
    return RecordedBody(read_recordings(folder), person, fleet.start)

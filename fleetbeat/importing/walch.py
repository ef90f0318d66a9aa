"""Walch (2019), as PhysioNet publishes it: ``heart_rate/ID_heartrate.txt`` and ``labels/ID_labeled_sleep.txt``.

Heart rates are parted by commas, labels by spaces. Seconds count from the beginning of the polysomnography, days before
it are below 0; its clock time is not published and set to 22:30. Steps (``steps/``) are not read, nor is raw
acceleration (``motion/``): nothing of ours shows gravities.
"""

import math
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from broker.errors import RecordingError
from devices.body.channels import EPOCH_S, FloatArray
from fleetbeat.importing.folder import Converted, NewFolder, read_text

WORDS = {-1: "unscored", 0: "wake", 1: "n1", 2: "n2", 3: "n3", 4: "n3", 5: "rem"}
"""Stages by their numbers; 4 is the fourth stage of older rules, today a part of n3."""

LIGHTS_OUT = datetime(2018, 3, 12, 22, 30)  # noqa: DTZ001  # a label
HALF_HOUR_S = 1_800.0


def import_walch(source: Path, dest: Path) -> Converted:
    """Write the persons of folder *source* to *dest*; return what came of them."""
    files = sorted((source / "labels").glob("*_labeled_sleep.txt"))
    if not files:
        raise RecordingError(
            f"{source / 'labels'}: found no ID_labeled_sleep.txt, expected PhysioNet's sleep-accel 1.0.0"
        )
    folder = NewFolder(
        dest,
        title="Apple Watch heart rate with polysomnography: free life, then one night in the laboratory",
        source="O. Walch (2019), Motion and heart rate from a wrist-worn wearable and labeled sleep from "
        "polysomnography, PhysioNet 1.0.0, doi:10.13026/hmhs-py35; Walch et al., Sleep 42(12) zsz180 (2019)",
        licence="ODC-By-1.0",
        notes="Raw acceleration was not imported. Clock times are not published: the polysomnography begins at 22:30.",
        channels={"heart_rate": "beat/min", "stage": "wake | n1 | n2 | n3 | rem, for the 30 s from time_s"},
    )
    for file in files:
        person = file.name.removesuffix("_labeled_sleep.txt")
        labels = _table(file)
        heart = _table(source / "heart_rate" / f"{person}_heartrate.txt")
        for at, stage in enumerate(labels[:, 1].tolist(), start=1):
            if stage not in WORDS:
                raise RecordingError(f"{file}, line {at}: found stage {stage:g}, expected one of -1 0 1 2 3 4 5")
        since_s = HALF_HOUR_S * math.ceil(max(0.0, -float(min(heart[:, 0].min(), labels[:, 0].min()))) / HALF_HOUR_S)
        start = LIGHTS_OUT - timedelta(seconds=since_s)
        times = labels[:, 0] + since_s
        scored = labels[:, 1] >= 0
        if not scored.any():
            raise RecordingError(f"{file}: found no stage but -1 (unscored), expected a night")
        folder.add(person, start, (float(times[0]), float(times[-1]) + EPOCH_S))
        folder.write_values(person, "heart_rate", heart[:, 0] + since_s, heart[:, 1])
        folder.write_stages(person, times[scored].tolist(), [WORDS[int(number)] for number in labels[scored, 1]])
    return folder.finish()


def _table(file: Path) -> FloatArray:
    """Return a file of two numbers a line, parted by comma or space."""
    rows = []
    for at, line in enumerate(read_text(file).splitlines(), start=1):
        try:
            time, value = map(float, line.replace(",", " ").split())
        except ValueError:
            raise RecordingError(f"{file}, line {at}: found {line!r}, expected two numbers") from None
        rows.append((time, value))
    if not rows:
        raise RecordingError(f"{file}: is empty")
    return np.array(rows, np.float64)

"""Packing: arrays as bytes and back, exact to the bit and the dtype."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from broker.messages import Channels


def packed(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return *arrays* of numbers: a line of JSON (name, dtype and shape of each), then their bytes."""
    head = orjson.dumps([(name, array.dtype.str, array.shape) for name, array in arrays.items()])
    return b"\n".join((head, b"".join(array.tobytes() for array in arrays.values())))


def unpacked(blob: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays that were `packed`, to be read, not written."""
    at = blob.index(b"\n")
    head, at = orjson.loads(blob[:at]), at + 1
    arrays = {}
    for name, dtype, shape in head:
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(blob, dtype, count, at).reshape(shape)
        at += arrays[name].nbytes
    return arrays


def packed_channels(channels: Channels) -> bytes:
    """Return the readings of a batch as bytes."""
    return packed(
        {channel: np.stack(readings).astype(np.float64, copy=False) for channel, readings in channels.items()}
    )


def unpacked_channels(blob: bytes) -> Channels:
    """Return the readings of a batch."""
    return {channel: (both[0], both[1]) for channel, both in unpacked(blob).items()}

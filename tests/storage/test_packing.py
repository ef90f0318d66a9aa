import numpy as np
import pytest

from devices.storage.packing import packed, packed_channels, unpacked, unpacked_channels


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", ">f8", "bool"])
def test_arrays_come_back_exact_in_value_shape_and_dtype(dtype: str) -> None:
    arrays = {
        "features": np.arange(12).reshape(4, 3).astype(dtype),
        "turned": np.arange(12).reshape(4, 3).astype(dtype).T,
        "empty": np.empty((0, 7), dtype),
    }

    back = unpacked(packed(arrays))

    assert list(back) == list(arrays)
    for name, array in arrays.items():
        assert (back[name].dtype, back[name].shape) == (array.dtype, array.shape)
        assert np.array_equal(back[name], array)


def test_not_a_number_and_the_last_bit_survive() -> None:
    odd = np.array([np.nan, np.inf, -0.0, np.nextafter(1.0, 2.0)])

    assert unpacked(packed({"odd": odd}))["odd"].tobytes() == odd.tobytes()


def test_channels_come_back_in_their_order() -> None:
    channels = {"rmssd": (np.array([1 / 3]), np.array([0.1])), "heart_rate": (np.arange(2.0), np.array([60.0, 61.5]))}

    back = unpacked_channels(packed_channels(channels))

    assert [(name, times.tolist(), values.tolist()) for name, (times, values) in back.items()] == [
        (name, times.tolist(), values.tolist()) for name, (times, values) in channels.items()
    ]

from devices.buffer import open_buffer
from devices.learning.partition import buffer_of_partition

HOUSEHOLD = {"fleet": "household"}


def test_every_training_device_of_the_fleet_is_a_partition_with_its_whole_past_and_future() -> None:
    buffers = [buffer_of_partition(number, 3, HOUSEHOLD) for number in range(3)]

    assert len({buffer.reference for buffer in buffers}) == 3
    for buffer in buffers:
        nights = buffer.nights()
        assert len(nights) >= 28  # four weeks of history and four days, all of them worn
        assert nights[0].index < 0 <= nights[-1].index
        assert open_buffer(buffer.reference) is buffer


def test_a_partition_is_filled_once() -> None:
    assert buffer_of_partition(0, 3, HOUSEHOLD) is buffer_of_partition(0, 3, HOUSEHOLD)


def test_a_larger_federation_has_further_wearers() -> None:
    first, fourth = buffer_of_partition(0, 10, HOUSEHOLD), buffer_of_partition(3, 10, HOUSEHOLD)

    assert first.reference != fourth.reference
    assert (first.nights()[0].examples.features != fourth.nights()[0].examples.features).any()


def test_the_run_may_ask_another_task_of_the_fleet() -> None:
    buffer = buffer_of_partition(0, 3, {**HOUSEHOLD, "task": "sleep-wake"})

    assert buffer.counts().examples > 20 * buffer.counts().nights

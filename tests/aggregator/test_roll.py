"""A SuperLink knows numbers; devices tell theirs; who tells nothing is a stranger, but not too soon."""

from aggregator.roll import Roll
from tests.aggregator.live_ground import Telling

PHONES = ("phone-1", "phone-2")
PATIENCE_S = 10.0


def names(roll: Roll, *online: int, now_s: float = 0.0) -> list[str]:
    return [roll[node_id] for node_id in roll.call(online, now_s)]


def test_devices_stand_in_the_fleets_order_however_their_numbers_come() -> None:
    roll = Roll(Telling({70: "phone-2", 90: "phone-1"}), PHONES, PATIENCE_S)

    assert names(roll, 70, 90) == names(roll, 90, 70) == ["phone-1", "phone-2"]


def test_where_everybody_has_told_another_node_is_a_stranger_at_once() -> None:
    roll = Roll(Telling({70: "phone-2", 90: "phone-1"}), PHONES, PATIENCE_S)

    assert names(roll, 50, 70, 90) == ["phone-1", "phone-2", "supernode-1"]
    assert names(roll, 40, 50, 70, 90) == ["phone-1", "phone-2", "supernode-1", "supernode-2"]
    assert names(roll, 40) == ["supernode-2"]


def test_a_node_that_may_be_a_devices_is_left_out_until_patience_ends() -> None:
    telling = Telling({90: "phone-1"})
    roll = Roll(telling, PHONES, PATIENCE_S)

    assert names(roll, 70, 80, 90, now_s=5.0) == ["phone-1"]
    telling.nodes_of[70] = "phone-2"
    assert names(roll, 70, 80, 90, now_s=6.0) == ["phone-1", "phone-2", "supernode-1"]


def test_after_patience_a_node_of_which_nobody_speaks_is_a_stranger() -> None:
    roll = Roll(Telling({90: "phone-1"}), PHONES, PATIENCE_S)

    assert names(roll, 70, 90, now_s=5.0) == ["phone-1"]
    assert names(roll, 70, 90, now_s=15.0) == ["phone-1", "supernode-1"]


def test_a_device_that_comes_back_as_another_node_is_there_once() -> None:
    telling = Telling({70: "phone-2", 90: "phone-1"})
    roll = Roll(telling, PHONES, PATIENCE_S)
    roll.call([70, 90], 0.0)

    telling.nodes_of = {75: "phone-2", 90: "phone-1"}

    assert names(roll, 70, 75, 90) == ["phone-1", "phone-2"]
    assert roll[70] == "phone-2"  # what it still answers is its own


def test_names_that_are_no_devices_of_the_fleet_are_not_believed() -> None:
    roll = Roll(Telling({60: "watch-9"}, {"watch-9", "phone-1"}), ("phone-1",), PATIENCE_S)

    assert names(roll, 60) == []
    assert set(roll.ready()) == {"phone-1"}


def test_a_node_that_was_never_called_gets_a_name_when_it_is_needed() -> None:
    roll = Roll(Telling(), PHONES, PATIENCE_S)

    assert [roll.name(5), roll.name(4), roll.name(5)] == ["supernode-1", "supernode-2", "supernode-1"]
    assert (dict(roll), len(roll)) == ({5: "supernode-1", 4: "supernode-2"}, 2)


def test_nodes_that_may_be_about_to_get_a_name_are_counted() -> None:
    roll = Roll(Telling({90: "phone-1"}), PHONES, PATIENCE_S)

    roll.call((70, 80, 90), 5.0)
    young = roll.unnamed
    roll.call((70, 80, 90), 5.0 + PATIENCE_S)

    assert (young, roll.unnamed) == (2, 0)

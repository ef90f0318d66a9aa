import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from broker import topics
from broker.filters import Subscriptions, check_filter, matches
from broker.topics import Topic


def test_a_devices_topics() -> None:
    assert topics.biometrics("home", "band-1") == "fleetbeat/v1/home/band-1/biometrics"
    assert topics.state("home", "band-1") == "fleetbeat/v1/home/band-1/$state"
    assert topics.telemetry("home", "band-1") == "fleetbeat/v1/home/band-1/telemetry"
    assert topics.events("home", "band-1") == "fleetbeat/v1/home/band-1/events"
    assert topics.server_events("home") == "fleetbeat/v1/home/$server/events"
    assert topics.server_state("home") == "fleetbeat/v1/home/$server/$state"
    assert topics.servers_all("home") == "fleetbeat/v1/home/$server/#"
    assert topics.clock("home") == "fleetbeat/v1/home/$clock"
    assert topics.everyones("home", topics.STATE) == "fleetbeat/v1/home/+/$state"


def test_a_topic_is_taken_apart() -> None:
    assert topics.parse(topics.biometrics("home", "band-1")) == Topic("home", "band-1", "biometrics")
    assert topics.parse(topics.server_events("home")) == Topic("home", "$server", "events")
    assert topics.device_of(topics.telemetry("home", "band-1")) == "band-1"


@pytest.mark.parametrize("topic", ["", "fleetbeat/v1/home/band-1", "fleetbeat/v2/home/band-1/events", "a/b/c/d/e"])
def test_other_topics_are_none_of_ours(topic: str) -> None:
    assert topics.parse(topic) is None
    assert topics.device_of(topic) is None


@pytest.mark.parametrize("name", ["", "a/b", "#", "+", "band 1", "x" * 65, "bänd", "$server", "a\n"])
def test_what_means_something_in_a_topic_cannot_be_a_name(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a name"):
        topics.biometrics("home", name)
    with pytest.raises(ValueError, match="cannot be a name"):
        topics.clock(name)


@pytest.mark.parametrize("topic_filter", ["", "a+", "a/#/b", "#a", "a/b+/c"])
def test_half_a_wildcard_is_no_filter(topic_filter: str) -> None:
    with pytest.raises(ValueError, match="no topic filter"):
        check_filter(topic_filter)


levels = st.lists(st.sampled_from(["a", "b", "", "$c"]), min_size=1, max_size=4)
wild_levels = st.lists(st.sampled_from(["a", "b", "", "$c", "+"]), min_size=1, max_size=4)


@settings(deadline=None)
@given(wild_levels, st.booleans(), levels)
def test_filters_cover_what_they_cover_for_paho(wanted: list[str], below: bool, said: list[str]) -> None:
    topic_filter = "/".join([*wanted, "#"] if below else wanted)
    topic = "/".join(said)

    assert matches(topic_filter, topic) == topic_matches_sub(topic_filter, topic)


def test_subscribers_are_found_once_each_until_they_leave() -> None:
    subscriptions = Subscriptions()
    subscriptions.add("home/+", "observer")
    subscriptions.add("home/band", "observer")
    subscriptions.add("home/band", "phone")

    both = subscriptions.matching("home/band")
    subscriptions.forget("observer")
    subscriptions.add("#", "late")

    assert set(both) == {"observer", "phone"}
    assert len(both) == 2
    assert set(subscriptions.matching("home/band")) == {"phone", "late"}

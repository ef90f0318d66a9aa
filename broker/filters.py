"""Topic filters: which topics ``+`` and ``#`` cover, and whose subscriptions a topic meets (MQTT 5 §4.7)."""

from collections.abc import Collection


def check_filter(topic_filter: str) -> str:
    """Return *topic_filter* if it can be subscribed to; raise ValueError if not."""
    levels = topic_filter.split("/")
    misplaced = any(sign in level and level != sign for level in levels for sign in "+#") or "#" in levels[:-1]
    if not topic_filter or misplaced or "\0" in topic_filter:
        raise ValueError(
            f"{topic_filter!r} is no topic filter: + and # stand for whole levels, # only for the last ones"
        )
    return topic_filter


def check_topic(topic: str) -> str:
    """Return *topic* if it can be published to; raise ValueError if not."""
    if not topic or "+" in topic or "#" in topic or "\0" in topic:
        raise ValueError(f"{topic!r} is no topic to publish to: it must not be empty nor contain + or #")
    return topic


def matches(topic_filter: str, topic: str) -> bool:
    """Whether *topic_filter* covers *topic*; a leading wildcard does not cover a topic that begins with ``$``."""
    if topic.startswith("$") and topic_filter.startswith(("+", "#")):
        return False
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted.pop()
        if len(levels) < len(wanted):
            return False
        levels = levels[: len(wanted)]
    return len(wanted) == len(levels) and all(want in ("+", level) for want, level in zip(wanted, levels, strict=True))


def is_wild(topic_filter: str) -> bool:
    """Whether *topic_filter* may cover more than the one topic that it spells."""
    return "+" in topic_filter or "#" in topic_filter


def covered(topic_filter: str, topics: Collection[str]) -> list[str]:
    """Return those of *topics* that *topic_filter* covers, in order."""
    if is_wild(topic_filter):
        return sorted(topic for topic in topics if matches(topic_filter, topic))
    return [topic_filter] if topic_filter in topics else []


class Subscriptions:
    """Who asked for what; answers per topic are remembered, for a fleet says the same few things all day."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[str, None]] = {}
        self._wild: dict[str, dict[str, None]] = {}
        self._known: dict[str, tuple[str, ...]] = {}

    def add(self, topic_filter: str, who: str) -> bool:
        """Note that *who* wants all that *topic_filter* covers; return whether that is news."""
        wild = is_wild(topic_filter)
        subscribers = (self._wild if wild else self._exact).setdefault(topic_filter, {})
        if who in subscribers:
            return False
        subscribers[who] = None
        if wild:
            self._known.clear()
        else:
            self._known.pop(topic_filter, None)
        return True

    def forget(self, who: str) -> None:
        """Drop all that *who* ever asked for."""
        for filters in (self._exact, self._wild):
            for subscribers in filters.values():
                subscribers.pop(who, None)
        self._known.clear()

    def matching(self, topic: str) -> tuple[str, ...]:
        """Return everybody whose filters cover *topic*, each once."""
        known = self._known.get(topic)
        if known is None:
            found = dict(self._exact.get(topic, {}))
            for topic_filter, subscribers in self._wild.items():
                if matches(topic_filter, topic):
                    found.update(subscribers)
            known = self._known[topic] = tuple(found)
        return known

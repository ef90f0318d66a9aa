"""A table that grows is told whole, and only what is new in it is put into words."""

from collections.abc import Iterable, Iterator

from fleetbeat.growing_table import GrowingTable


class Interval:
    def __init__(self, device: str, to_s: float) -> None:
        self.device, self.to_s = device, to_s


class Scribe:
    def __init__(self) -> None:
        self.told: list[str] = []

    def lines(self, intervals: Iterable[Interval]) -> Iterator[tuple[object, ...]]:
        for interval in intervals:
            self.told.append(interval.device)
            yield interval.device, interval.to_s, None


def test_what_is_new_at_the_end_is_put_into_words_and_nothing_else() -> None:
    scribe = Scribe()
    table, lived = GrowingTable(scribe.lines), [Interval("phone-1", 30.0)]
    table.rows([*lived, Interval("band-1", 10.0)])  # its interval is open

    lived += [Interval("band-1", 20.0), Interval("phone-1", 60.5)]

    assert list(table.rows(lived)) == ["phone-1,30,", "band-1,20,", "phone-1,60.5,"]
    assert scribe.told == ["phone-1", "band-1", "band-1", "phone-1"]


def test_a_table_that_became_shorter_or_another_is_told_as_it_is() -> None:
    table, lived = GrowingTable(Scribe().lines), [Interval("phone-1", 30.0), Interval("band-1", 20.0)]
    table.rows(lived)

    assert list(table.rows(lived[:1])) == ["phone-1,30,"]
    assert list(table.rows(lived[::-1])) == ["band-1,20,", "phone-1,30,"]
    assert list(table.rows([])) == []


def test_a_list_that_its_owner_goes_on_with_is_no_matter() -> None:
    table, lived = GrowingTable(Scribe().lines), [Interval("phone-1", 30.0)]
    table.rows(lived)

    lived.append(Interval("band-1", 20.0))

    assert list(table.rows(lived)) == ["phone-1,30,", "band-1,20,"]

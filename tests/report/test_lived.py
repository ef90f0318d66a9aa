"""A life as a report draws it."""

from fleetbeat.report.lived import Life


def line(from_s: str, to_s: str, battery_start: str, battery_end: str) -> list[str]:
    return [
        from_s,
        to_s,
        "true",
        "false",
        battery_start,
        battery_end,
        "true",
        "wifi",
        "home",
        "true",
        "false",
        "true",
        "",
    ]


def test_an_interval_shorter_than_a_millisecond_is_no_point_of_the_battery() -> None:
    life = Life(
        "phone-1",
        trains=True,
        lines=[
            line("0.000", "3600.000", "0.9", "0.8"),
            line("3600.000", "3600.000", "0.8", "0.8"),
            line("3600.000", "7200.000", "0.8", "0.5"),
        ],
    )

    t_s, shares = life.battery()

    assert t_s.tolist() == [0.0, 3600.0, 7200.0]
    assert shares.tolist() == [0.9, 0.8, 0.5]

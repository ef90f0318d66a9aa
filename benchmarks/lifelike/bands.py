"""The bands: what was measured on people and devices, by whom, and how far from it our population may be.

They are wide on purpose, and set before anything was calibrated: nobody may widen one to get inside.
"""

from dataclasses import dataclass

from benchmarks.lifelike.nights import STAGES

WALCH = "Walch 2019, 31 polysomnographies, computed"
FREE_WEEK = "Walch 2019, free-living week of 26 watches, computed"
MMASH = "MMASH (Rossi 2020), 21 men, computed"
LIFESNAPS = "LifeSnaps 2022, 59 persons, 3,435 nights, computed"
TWO_LABS = f"{MMASH}; {WALCH}"
BOTH_NIGHTS = f"{LIFESNAPS}; {WALCH}"
BONAWITZ = "Bonawitz 2019, section 9"
FLASH = "FLASH 2020, FEMNIST-CNN, 1642 : 588 : 179 ms a batch"
ANY = 1e9
"""No upper end."""


@dataclass(frozen=True)
class Band:
    """One row: *real* is what was measured (from, to), *band* where ours may be (from, to); figures of *unit*."""

    key: str
    quantity: str
    real: tuple[float, float]
    band: tuple[float, float]
    source: str
    digits: int = 2

    def holds(self, ours: float) -> bool:
        """Whether *ours* lies in the band."""
        return self.band[0] <= ours <= self.band[1]

    def difference(self, ours: float) -> float:
        """Return how far *ours* is from what was measured: 0 inside a measured range."""
        low, high = self.real
        return ours - min(max(ours, low), high)


def _around(key: str, quantity: str, real: float, off: float, source: str, digits: int = 2) -> Band:
    return Band(key, quantity, (real, real), (round(real - off, 6), round(real + off, 6)), source, digits)


def _of_stages(
    key: str, quantity: str, real: tuple[float, ...], off: tuple[float, ...], digits: int
) -> tuple[Band, ...]:
    return tuple(
        _around(f"{key}_{stage}", f"{quantity}, {stage}", value, way, WALCH, digits)
        for stage, value, way in zip(STAGES, real, off, strict=True)
    )


BANDS = (
    *_of_stages("share", "share of the time in bed, %", (9.1, 6.8, 48.4, 13.8, 22.0), (2.5,) * 5, 1),
    *_of_stages("stay", "the same stage 30 s later", (0.80, 0.50, 0.93, 0.95, 0.96), (0.03,) * 5, 3),
    *_of_stages("bout_cv", "cv of lengths of bouts", (2.5, 1.0, 1.3, 1.2, 1.1), (0.625, 0.35, 0.325, 0.3, 0.275), 2),
    Band("n1_to_rem", "N1 → REM, last quarter of the night over the first", (13.4, 13.4), (5, ANY), WALCH, 1),
    Band("efficiency", "sleep efficiency, mean", (0.84, 0.91), (0.84, 0.91), TWO_LABS, 3),
    Band("efficiency_between", "the same, sd between persons", (0.016, 0.05), (0.016, 0.05), BOTH_NIGHTS, 3),
    _around("efficiency_within", "the same, sd within persons", 0.035, 0.010, LIFESNAPS, 3),
    Band("good_nights", "share of good nights (efficiency ≥ .85)", (0.48, 0.87), (0.50, 0.85), TWO_LABS),
    Band("heart_asleep", "heart rate asleep, mean, bpm", (59.5, 64.9), (60, 65), TWO_LABS, 1),
    Band("heart_between", "the same, sd between persons, bpm", (4.7, 9.4), (5, 9), TWO_LABS, 1),
    _around("wave_amplitude", "heart rate, daily wave, amplitude, bpm", 12.7, 4, MMASH, 1),
    _around("wave_peak", "heart rate, daily wave, hour of the peak", 15.5, 2, MMASH, 1),
    _around("heart_memory_30s", "heart rate asleep, autocorrelation at 30 s", 0.73, 0.12, WALCH),
    _around("heart_memory_5min", "heart rate asleep, autocorrelation at 5 min", 0.42, 0.12, WALCH),
    _around("rmssd_asleep", "RMSSD asleep, ms", 55, 12, MMASH, 1),
    _around("rmssd_awake", "RMSSD awake, ms", 35, 12, MMASH, 1),
    Band("rmssd_older", "RMSSD, from 30 years on over younger", (0.80, 0.80), (0, 0.99), LIFESNAPS),
    _around("still_awake", "30 s without movement, awake, %", 16, 6, MMASH, 1),
    _around("still_asleep", "30 s without movement, asleep, %", 91, 6, MMASH, 1),
    _around("movement_heart", "log movement with heart rate, awake, r", 0.47, 0.15, MMASH),
    Band("day_and_night_auc", "asleep or awake, 24 h, unseen persons, AUC", (0.96, 0.98), (0.94, 0.985), MMASH, 3),
    Band("day_and_night_spread", "the same, sd of accuracy between persons", (0.03, 0.08), (0.03, 0.08), MMASH, 3),
    Band("heart_in_bed_auc", "asleep or awake in bed by heart rate alone, AUC", (0.67, 0.77), (0.64, 0.82), WALCH),
    Band("daily_quality_auc", "good night or poor one by daily figures, AUC", (0.46, 0.57), (0.45, 0.62), LIFESNAPS),
    Band("efficiency_movement", "efficiency with moving epochs, persons, r", (-0.70, -0.70), (-0.85, -0.5), MMASH),
    Band("worn_correlation", "watch worn by hour after lights-out, r", (1, 1), (0.85, 1), f"{FREE_WEEK}, their curve"),
    Band("worn_difference", "the same, mean absolute difference", (0, 0), (0, 0.12), f"{FREE_WEEK}, their curve"),
    Band("long_gaps", "gaps of more than 3 h off the wrist, a day", (1.04, 1.04), (0.7, 1.3), FREE_WEEK),
    Band("ready_night_over_day", "phones ready to train, night over day", (4, 4), (3, 6), BONAWITZ, 1),
    Band("dropped_out", "drop-out of selected phones, %", (6, 10), (4, 12), BONAWITZ, 1),
    Band("days_smartwatch", "days between charges, watch", (0.75, 2), (0.75, 2), "as claimed: Apple 18 h, Samsung 48"),
    Band("days_band", "days between charges, band", (5, 7), (5, 7), "Fitbit (fitabase.com)"),
    Band("days_ring", "days between charges, ring", (4, 7), (4, 7), "Oura (gearsbay.com)"),
    Band("days_phone", "days between charges, phone", (1, 1), (0.8, 1.3), "assumed: once a day"),
    Band("fit_low", "a fit's time, low phone over middle", (2.79, 2.79), (2.23, 3.35), FLASH),
    Band("fit_high", "a fit's time, middle phone over high", (3.28, 3.28), (2.63, 3.94), FLASH),
)  # fmt: skip
"""Every row of the table, in its order."""

UNREACHED: dict[str, str] = {}
"""Why a band was left after honest tries, by its key. Such a row stands in red, and the script fails all the same."""

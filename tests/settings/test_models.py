"""Which model a fleet file may ask for, with what, and what it means when nothing is said."""

import pytest

from devices.fleet_file import freeze, load_fleet
from devices.learning.models import LOCAL_EPOCHS
from devices.overrides import Overrides
from tests.settings.conftest import SMALLEST, Written
from tests.settings.test_bad_input import complaint


def asked(**keys: str) -> str:
    return "\n".join([*(f"learning.{key} = {value}" for key, value in keys.items()), SMALLEST])


@pytest.mark.parametrize(("model", "epochs"), LOCAL_EPOCHS.items())
def test_local_epochs_that_nobody_asked_for_are_the_models_own_and_are_frozen(
    model: str, epochs: int, written: Written
) -> None:
    strategy = "fedxgbbagging" if model == "xgboost" else "fedavg"
    file = written(asked(model=f'"{model}"', strategy=f'"{strategy}"', task='"sleep-wake"'))

    fleet = load_fleet(file)

    assert fleet.learning.local_epochs == epochs
    assert f"local_epochs = {epochs}" in freeze(fleet)


def test_local_epochs_that_somebody_asked_for_stay(written: Written) -> None:
    assert load_fleet(written(asked(model='"mlp"', local_epochs="2"))).learning.local_epochs == 2


def test_a_model_from_the_command_line_brings_its_epochs(written: Written) -> None:
    assert load_fleet(written(SMALLEST), Overrides(sets=("learning.model=mlp",))).learning.local_epochs == 5


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (
            {"model": '"xgboost"', "strategy": '"fedxgbbagging"', "local_epochs": "3"},
            'learning.local_epochs: found 3 with strategy "fedxgbbagging", expected 1: '
            "it takes one tree of each device a round",
        ),
        (
            {"model": '"lstm"'},
            'learning.model: found "lstm" for task "night-quality", expected task = "sleep-wake" or "sleep-stage": '
            "it reads the epochs of a night one after the other",
        ),
    ],
)
def test_what_does_not_fit_together_is_one_clear_message(keys: dict[str, str], words: str, written: Written) -> None:
    assert complaint(written(asked(**keys))) == words

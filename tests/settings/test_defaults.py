"""Keys left out have the values that interfaces promise."""

from datetime import datetime

from devices.fleet_file import load_fleet
from devices.learning_table import Learning
from devices.settings import Fleet, Group
from tests.settings.conftest import SMALLEST, Written


def test_a_fleet_of_three_keys_has_every_promised_default(written: Written) -> None:
    fleet = load_fleet(written(SMALLEST))

    assert fleet == Fleet(
        schema_=1,
        name="small",
        seed=7,
        start=datetime(2026, 1, 5, 18),
        days=4,
        ideal=False,
        learning=Learning(
            task="night-quality",
            model="logistic",
            strategy="fedavg",
            rounds=3,
            fraction_train=1.0,
            fraction_evaluate=1.0,
            min_train_devices=2,
            selectable="reachable",
            first_round_s=28_800,
            round_every_s=86_400,
            round_deadline_s=14_400,
            history_nights=28,
            label_source="truth",
            epochs="in_bed",
            work=None,
            local_epochs=1,
            heartbeat_s=30,
            poll_s=3,
        ),
        group=(Group(kind="phone", with_=("band",), count=1),),
        event=(),
    )


def test_recordings_bring_their_own_past(written: Written) -> None:
    file = written(
        'schema = 1\nname = "real"\n[learning]\ntask = "sleep-wake"\n'
        '[[group]]\nkind = "smartwatch"\nrecordings = "recordings/walch-sample"\n'
    )

    assert load_fleet(file).learning.history_nights == 0


def test_a_fleet_may_use_every_key(written: Written) -> None:
    file = written("""
schema = 1
name = "everything"
seed = 8
start = 2027-02-03T04:05:06
days = 1.5
ideal = true

[learning]
task = "sleep-stage"
model = "logistic"
strategy = "fedadam"
strategy_options = { eta = 0.1, tau = 1e-9 }
rounds = 7
fraction_train = 0.25
fraction_evaluate = 0
min_train_devices = 3
selectable = "ready"
first_round_s = 60
round_every_s = 3600.5
round_deadline_s = 1
history_nights = 0
label_source = "diary"
epochs = "all"
class_weight = "balanced"
work = { gflop = 800, mb_down = 20, mb_up = 0 }
local_epochs = 5
heartbeat_s = 60
poll_s = 0
min_examples = 100

[[group]]
name = "night-shift"
kind = "phone"
with = ["band", "ring"]
count = 100
set = { battery_wh = 10, "ready.needs_charging" = false }

[[event]]
at_s = 30000
device = "phone-1"
do = "unplug"
""")

    fleet = load_fleet(file)

    assert fleet.learning.strategy_options == {"eta": 0.1, "tau": 1e-9}
    assert fleet.group[0].set_ == {"battery_wh": 10, "ready.needs_charging": False}
    assert fleet.event[0].do == "unplug"

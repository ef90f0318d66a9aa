"""The Message API: a line y = a x + b, fitted by FedAvg; the server judges every model, and looks at clocks."""

import time
from datetime import datetime

import numpy as np
from flwr.app import ArrayRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    def judge(server_round: int, arrays: ArrayRecord) -> MetricRecord:
        if server_round == context.run_config["server-fails-in"]:
            raise KeyError("no such model")
        time.sleep(float(context.run_config["naps.server-s"]))  # noqa: TID251  # an app that sleeps
        slope, offset = arrays.to_numpy_ndarrays()[0]
        return MetricRecord(
            {
                "loss": float((slope - 2) ** 2 + (offset + 1) ** 2),
                "unix-s": time.time(),  # noqa: TID251  # an app that looks at a clock
                "hour": datetime.now().hour,  # noqa: DTZ005, TID251  # and at another
            }
        )

    assert list(grid.get_node_ids())  # some look who is there before they begin
    print("the app says something")  # noqa: T201  # as apps do
    FedAvg(min_train_nodes=1, min_available_nodes=1, min_evaluate_nodes=1).start(
        grid=grid,
        initial_arrays=ArrayRecord([np.zeros(2)]),
        num_rounds=int(context.run_config["num-server-rounds"]),
        evaluate_fn=judge,
    )

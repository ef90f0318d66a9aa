"""``server_fn`` with a `ServerConfig` and a strategy of the old kind."""

import numpy as np
from flwr.common import Context, Metrics, ndarrays_to_parameters
from flwr.server import ServerApp, ServerAppComponents, ServerConfig
from flwr.server.strategy import FedAvg


def mean_number(told: list[tuple[int, Metrics]]) -> Metrics:
    return {"number": sum(examples * float(metrics["number"]) for examples, metrics in told) / sum(n for n, _ in told)}


def server_fn(context: Context) -> ServerAppComponents:
    asks = bool(context.run_config["asks-for-parameters"])
    strategy = FedAvg(
        min_fit_clients=1,
        min_evaluate_clients=1,
        min_available_clients=1,
        fraction_evaluate=float(context.run_config["fraction-evaluate"]),
        initial_parameters=None if asks else ndarrays_to_parameters([np.zeros(1)]),
        fit_metrics_aggregation_fn=mean_number,
        evaluate_metrics_aggregation_fn=mean_number,
    )
    return ServerAppComponents(config=ServerConfig(num_rounds=int(context.run_config["rounds"])), strategy=strategy)


app = ServerApp(server_fn=server_fn)

"""A mean: each client moves the model half way to its own number."""

import numpy as np
from flwr.client import Client, ClientApp, NumPyClient
from flwr.common import Context, Scalar


class Mean(NumPyClient):
    def __init__(self, number: float) -> None:
        self.number = number

    def get_parameters(self, config: dict[str, Scalar]) -> list[np.ndarray]:
        return [np.zeros(1)]

    def fit(
        self, parameters: list[np.ndarray], config: dict[str, Scalar]
    ) -> tuple[list[np.ndarray], int, dict[str, Scalar]]:
        return [(parameters[0] + self.number) / 2], 2, {"number": self.number}

    def evaluate(self, parameters: list[np.ndarray], config: dict[str, Scalar]) -> tuple[float, int, dict[str, Scalar]]:
        return float((parameters[0][0] - self.number) ** 2), 2, {"number": self.number}


def client_fn(context: Context) -> Client:
    return Mean(0.1 * (1 + float(context.node_config["partition-id"]))).to_client()


app = ClientApp(client_fn=client_fn)

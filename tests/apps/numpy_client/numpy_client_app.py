"""``client_fn`` and `NumPyClient` under a server with a loop of its own, which calls the grid and no strategy."""

import numpy as np
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.client import Client, NumPyClient
from flwr.clientapp import ClientApp
from flwr.common import FitIns, Scalar, ndarrays_to_parameters
from flwr.compat.common.recorddict_compat import fitins_to_recorddict, recorddict_to_fitres
from flwr.serverapp import Grid, ServerApp


class Counter(NumPyClient):
    """Adds one to every weight."""

    def __init__(self, context: Context) -> None:
        self.place = int(context.node_config["partition-id"])

    def fit(
        self, parameters: list[np.ndarray], config: dict[str, Scalar]
    ) -> tuple[list[np.ndarray], int, dict[str, Scalar]]:
        return [weight + 1 for weight in parameters], self.place + 1, {"place": self.place}


def client_fn(context: Context) -> Client:
    return Counter(context).to_client()


client = ClientApp(client_fn)
server = ServerApp()


@server.main()
def main(grid: Grid, context: Context) -> None:
    weights = [np.zeros(3)]
    for number in range(1, int(context.run_config["num-server-rounds"]) + 1):
        content = fitins_to_recorddict(FitIns(ndarrays_to_parameters(weights), {}), keep_input=True)
        content["round"] = ConfigRecord({"server-round": number})
        messages = [Message(content, node_id, "train") for node_id in grid.get_node_ids()]
        replies = grid.send_and_receive(messages, timeout=3_600)
        came = [recorddict_to_fitres(reply.content, keep_input=True) for reply in replies if reply.has_content()]
        assert all(result.num_examples > 0 for result in came)
        grid.send_and_receive([Message(RecordDict(), node_id, "query") for node_id in grid.get_node_ids()], timeout=60)

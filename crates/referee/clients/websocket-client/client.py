"""PyPI websocket-client: run_forever() with the delay that its documentation shows."""

import os
import sys

import websocket


def on_open(app: websocket.WebSocketApp) -> None:
    for subscription in sys.argv[1:]:
        app.send(subscription)


app = websocket.WebSocketApp(
    os.environ["ENGINE_URL"],
    header={"Authorization": f"Bearer {os.environ['ENGINE_TOKEN']}"},
    on_open=on_open,
    on_message=lambda app, message: print(message, flush=True),
    on_error=lambda app, error: print("error:", type(error).__name__, flush=True),
)
app.run_forever(reconnect=5)

"""A real engine: FastAPI on uvicorn. Greets, then echoes what it receives. Prints its port."""

import socket

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


@app.get("/private")
def private():
    return {"account_value": "100.00"}


@app.websocket("/ws")
async def stream(socket: WebSocket):
    offered = socket.scope["subprotocols"]
    await socket.accept(subprotocol="v1" if "v1" in offered else None)
    await socket.send_json({"event": "hello", "data": {"query": socket.url.query}})
    try:
        while True:
            await socket.send_text(await socket.receive_text())
    except WebSocketDisconnect:
        pass


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])

"""A central system of OCPP 1.6, made with the library's own classes. It also sends a request of its own."""

import asyncio

import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import AuthorizationStatus, RegistrationStatus

NOW = "2026-01-01T00:00:00Z"


class Central(ChargePoint):
    @on("BootNotification")
    async def boot(self, **_):
        asyncio.get_running_loop().call_later(
            0.6, lambda: asyncio.create_task(self.call(call.TriggerMessage("Heartbeat")))
        )
        return call_result.BootNotification(NOW, 10, RegistrationStatus.accepted)

    @on("Heartbeat")
    async def heartbeat(self):
        return call_result.Heartbeat(NOW)

    @on("Authorize")
    async def authorize(self, id_tag):
        return call_result.Authorize({"status": AuthorizationStatus.accepted})

    @on("StartTransaction")
    async def start_transaction(self, **_):
        return call_result.StartTransaction(7, {"status": AuthorizationStatus.accepted})

    @on("StatusNotification")
    async def status(self, **_):
        return call_result.StatusNotification()


async def main():
    async def serve(socket):
        await Central(socket.request.path.rsplit("/")[-1], socket).start()

    async with websockets.serve(serve, "127.0.0.1", 9107, subprotocols=["ocpp1.6"]):
        await asyncio.Future()


asyncio.run(main())

"""A charge point: ocpp_client.py URL NAME hb,auth,start,status"""

import asyncio
import sys

import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import ChargePointErrorCode, ChargePointStatus, TriggerMessageStatus

NOW = "2026-01-01T00:00:00Z"


class Point(ChargePoint):
    triggered = 0

    @on("TriggerMessage")
    async def trigger(self, **_):
        Point.triggered += 1
        return call_result.TriggerMessage(TriggerMessageStatus.accepted)


async def main(url, name, order):
    async with websockets.connect(f"{url}/{name}", subprotocols=["ocpp1.6"]) as socket:
        point = Point(name, socket)
        listening = asyncio.create_task(point.start())
        asks = {
            "hb": call.Heartbeat(),
            "auth": call.Authorize(f"TAG-{name}"),
            "start": call.StartTransaction(1, f"TAG-{name}", 5, NOW),
            "status": call.StatusNotification(1, ChargePointErrorCode.no_error, ChargePointStatus.available),
        }
        boot = call.BootNotification(charge_point_model=f"M-{name}", charge_point_vendor="V")
        for ask in [boot, *(asks[word] for word in order.split(","))]:
            print(await asyncio.wait_for(point.call(ask), 4))
        await asyncio.sleep(0.8)
        print("triggered", Point.triggered)
        listening.cancel()


asyncio.run(main(*sys.argv[1:]))

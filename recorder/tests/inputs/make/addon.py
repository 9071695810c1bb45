# An addon for mitmproxy: drops a message in each direction, and injects one in each.
from mitmproxy import ctx, http

def websocket_message(flow: http.HTTPFlow):
    message = flow.websocket.messages[-1]
    if message.injected:
        return
    if message.from_client and message.content == b"dropped by the addon":
        message.drop()
    elif not message.from_client and message.content.startswith(b"two"):
        message.drop()
        ctx.master.commands.call("inject.websocket", flow, True, b"made up for the client", True)
        ctx.master.commands.call("inject.websocket", flow, False, b"made up for the engine", True)

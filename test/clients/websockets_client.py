# websockets_client.py PORT TOKEN VIA [SINCE STREAM] - python3-websockets as a
# client, for the tests.
#
# With CA in the environment, the file of a certificate, by TLS.  Prints one line for each message; "ping" and "close" on its input do just that.
import asyncio
import inspect
import json
import os
import ssl
import sys
from urllib.parse import urlencode

import websockets


def show(text):
    message = json.loads(text)
    payload = message.get("payload", {})
    if message["type"] == "connection":
        print("connection", message["action"], payload["seq"], payload["stream"])
    elif message["type"] == "error":
        print("error", payload["code"])
    elif message["type"] == "reply":
        print("reply", message["id"])
    else:
        print(message["type"], message["action"], message["seq"], payload.get("name"))
    sys.stdout.flush()


async def obey(ws):
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if line == b"ping\n":
            await ws.send('{"type":"ping","id":"p1"}')
        if line == b"close\n":
            await ws.close(1000)


async def main(port, token, via, since=None, stream=None):
    query = {}
    options = {"max_size": None}
    # The option has another name since version 14.
    headers = ("additional_headers"
               if "additional_headers" in inspect.signature(websockets.connect).parameters
               else "extra_headers")
    if via == "query":
        query["token"] = token
    if via == "header":
        options[headers] = {"Authorization": f"Bearer {token}"}
    if via == "subprotocol":
        options["subprotocols"] = ["bugevents.v1", f"bearer.{token}"]
    if since is not None:
        query.update(since=since, stream=stream)
    scheme = "ws"
    if os.environ.get("CA"):
        scheme = "wss"
        options["ssl"] = ssl.create_default_context(cafile=os.environ["CA"])
    place = f"{scheme}://127.0.0.1:{port}/ws?{urlencode(query)}"
    async with websockets.connect(place, **options) as ws:
        task = asyncio.create_task(obey(ws))
        try:
            async for message in ws:
                show(message)
        except websockets.ConnectionClosedError:
            pass
        print(f"closed {ws.close_code} {ws.close_reason}".rstrip())
        task.cancel()


sys.stdout.reconfigure(encoding="utf-8")
asyncio.run(main(*sys.argv[1:]))

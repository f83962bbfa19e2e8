"""The bridge in Python that most begin with: asyncpg LISTENs, FastAPI sends.

Started by uvicorn, with the ConnectionManager of FastAPI's own tutorial.
"""
import asyncio
import os

import asyncpg
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


class ConnectionManager:
    def __init__(self):
        self.active_connections = set()

    async def connect(self, websocket):
        await websocket.accept()
        await websocket.send_text('{"type":"connection","action":"ready","payload":{}}')
        self.active_connections.add(websocket)

    def disconnect(self, websocket):
        self.active_connections.discard(websocket)

    async def broadcast(self, message):
        for websocket in list(self.active_connections):
            try:
                await websocket.send_text(message)
            except Exception:
                self.disconnect(websocket)


manager = ConnectionManager()


async def forward(queue):
    while True:
        await manager.broadcast(await queue.get())


@app.on_event('startup')
async def listen():
    queue = asyncio.Queue()
    app.state.connection = await asyncpg.connect(
        host=os.environ['BENCH_PGHOST'], port=5432,
        database=os.environ['BENCH_PGDATABASE'], user=os.environ['BENCH_PGUSER'])
    await app.state.connection.add_listener(
        'bug_reports', lambda connection, pid, channel, payload: queue.put_nowait(payload))
    app.state.forwarder = asyncio.create_task(forward(queue))


@app.websocket('/ws')
async def endpoint(websocket: WebSocket):
    await manager.connect(websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        manager.disconnect(websocket)

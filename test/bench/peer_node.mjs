// peer_node.mjs - the bridge in node that most begin with: pg LISTENs, ws sends.
//
//   node peer_node.mjs PORT SOCKET-DIRECTORY DATABASE USER [CERT-FILE KEY-FILE]

import { readFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import pg from 'pg';
import { WebSocket, WebSocketServer } from 'ws';

const [port, host, database, user, cert, key] = process.argv.slice(2);
const http = cert ? createHttps({ cert: readFileSync(cert), key: readFileSync(key) }) : createHttp();
const server = new WebSocketServer({ server: http, path: '/ws' });

server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.send('{"type":"connection","action":"ready","payload":{}}');
});

const client = new pg.Client({ host, database, user, port: 5432 });
client.on('notification', (message) => {
  for (const socket of server.clients) {
    if (socket.readyState === WebSocket.OPEN) socket.send(message.payload);
  }
});
await client.connect();
await client.query('LISTEN bug_reports');
http.listen({ host: '127.0.0.1', port: Number(port), backlog: 4096 });

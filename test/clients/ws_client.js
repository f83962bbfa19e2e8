// ws_client.js PORT TOKEN VIA [SINCE STREAM] - node's ws as a client, for the tests.
//
// With CA in the environment, the file of a certificate, by TLS.  Prints one line for each message; "ping" and "close" on its input do just that.
'use strict';
const WebSocket = require('ws');
const [port, token, via, since, stream] = process.argv.slice(2);
const query = new URLSearchParams();
const headers = {};
const protocols = [];

if (via === 'query') query.set('token', token);
if (via === 'header') headers.Authorization = `Bearer ${token}`;
if (via === 'subprotocol') protocols.push('bugevents.v1', `bearer.${token}`);
if (since !== undefined) { query.set('since', since); query.set('stream', stream); }

const ca = process.env.CA && require('fs').readFileSync(process.env.CA);
const place = `${ca ? 'wss' : 'ws'}://127.0.0.1:${port}/ws?${query}`;
const ws = new WebSocket(place, protocols, { headers, ca });

ws.on('message', (data, binary) => {
	const m = JSON.parse(data.toString());
	const p = m.payload || {};
	if (binary) console.log('binary');
	else if (m.type === 'connection') console.log('connection', m.action, p.seq, p.stream);
	else if (m.type === 'error') console.log('error', p.code);
	else if (m.type === 'reply') console.log('reply', m.id);
	else console.log(m.type, m.action, m.seq, p.name);
});
ws.on('error', (error) => console.log('failed', error.message));
ws.on('close', (code, reason) => {
	console.log(`closed ${code} ${reason}`.trimEnd());
	process.stdin.destroy();
});
process.stdin.on('data', (data) => {
	for (const line of data.toString().split('\n')) {
		if (line === 'ping') ws.send('{"type":"ping","id":"p1"}');
		if (line === 'close') ws.close(1000);
	}
});

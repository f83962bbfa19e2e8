/*
 * js_client.mjs - drives the JavaScript client for the tests: says on its output what
 * happens, one JSON text a line, and does what its input says.
 *
 *	node js_client.mjs URL      then lines: {"token": "..."} first, later
 *	{"do": "subscribe" | "get" | "list" | "collect" | "close", ...}
 */
import { createInterface } from 'node:readline';

import WebSocket from 'ws';

import { connect } from '../../clients/js/bugevents.js';

const lines = createInterface({ input: process.stdin });
const tokens = [];
let wake = null;
let connection = null;
let collection = null;

function say(what, value) {
	process.stdout.write(JSON.stringify({ [what]: value ?? null }) + '\n');
}

/* The next token that the test hands out; each is used once. */
async function getToken(reason) {
	say('wants', reason);
	while (tokens.length === 0)
		await new Promise((resolve) => { wake = resolve; });
	return tokens.shift();
}

async function follow(request) {
	switch (request.do) {
		case 'subscribe':
			await connection.subscribe(request.filter);
			return 'subscribed';
		case 'get':
			return connection.get(request.type, request.id);
		case 'list': {
			const rows = [];

			for await (const { row } of connection.list(request.type, { limit: request.limit }))
				rows.push(row.id);
			return rows;
		}
		case 'collect':
			collection = connection.collection(request.type, request.filter);
			await collection.ready;
			collection.on('change', () => say('rows', [...collection.rows.keys()].sort((a, b) => a - b).join(' ')));
			return [...collection.rows.keys()].sort((a, b) => a - b).join(' ');
		case 'close':
			connection.close();
			return 'closed';
		default:
			throw new Error(`do ${request.do}?`);
	}
}

connection = connect({
	url: process.argv[2], getToken, WebSocket, attempts: Infinity, firstDelay: 100, maxDelay: 500,
	position: process.argv[3] ? JSON.parse(process.argv[3]) : undefined
});
connection.on('state', (state) => say('state', state));
connection.on('ready', (session) => say('ready', { role: session.role, resumed: session.resumed, seq: session.seq }));
connection.on('resync', (gap) => say('resync', gap));
connection.on('error', (error) => say('error', error.code ?? error.message));
connection.on('close', (error) => {
	say('close', error?.code);
	lines.close();
});
(async () => {
	for await (const event of connection)
		say('event', [event.seq, `${event.type}.${event.action}`, event.payload.name ?? event.payload.id ?? event.payload.mark]);
})();

lines.on('line', async (line) => {
	const request = JSON.parse(line);

	if (request.token) {
		tokens.push(request.token);
		wake?.();
		return;
	}
	try {
		say('answer', await follow(request));
	} catch (error) {
		say('failed', error.code ?? error.message);
	}
});

/*
 * drive_js.mjs - the JavaScript client, driven line by line for behaviours.py; its clock moves when it is told.
 */
import { createInterface } from 'node:readline';

import WebSocket from 'ws';

import { connect } from '../../../clients/js/bugevents.js';

const say = (...what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const clock = { now: 0, timers: new Map(), last: 0 };
const page = new Map();
let connection = null;
let collection = null;
let follow = null;

globalThis.addEventListener = (type, listener) => page.set(type, listener);
globalThis.removeEventListener = (type) => page.delete(type);
globalThis.document = { visibilityState: 'visible', addEventListener, removeEventListener };

const timers = {
	setTimeout(callback, ms) {
		clock.timers.set(++clock.last, { at: clock.now + ms, callback });
		return clock.last;
	},
	clearTimeout: (timer) => clock.timers.delete(timer),
	now: () => clock.now,
	random: () => 1
};

/* What has come over sockets is heard before the clock moves. */
async function settle() {
	for (let i = 0; i < 10; i++)
		await new Promise((resolve) => setImmediate(resolve));
}

async function advance(to, late) {
	for (;;) {
		const [due] = [...clock.timers].filter(([, { at }]) => at <= to).sort((a, b) => a[1].at - b[1].at);

		if (!due)
			break;
		clock.now = late ? to : due[1].at;
		clock.timers.delete(due[0]);
		due[1].callback();
		await settle();
	}
	clock.now = to;
}

function tokens(script) {
	return () => {
		const token = script.length > 1 ? script.shift() : script[0];

		say('token', token);
		if (token === '!fatal')
			throw Object.assign(new Error('signed out'), { fatal: true });
		if (token === '!fail')
			throw new Error('no token');
		return token;
	};
}

function open({ url, token, filter, since, stream, attempts, listen = true }) {
	connection = connect({
		url, WebSocket, timers, filter, open: false, ...attempts === undefined ? {} : { attempts },
		position: since === undefined ? undefined : { seq: since, stream },
		...Array.isArray(token) ? { getToken: tokens([...token]) } : { token }
	});
	connection.on('state', (state) => say('state', state));
	if (listen)
		connection.on('event', ({ seq, payload }) => say('event', seq, payload.id));
	connection.on('resync', ({ seq }) => say('resync', seq));
	connection.on('error', (error) => say('told', error.code ?? error.message));
	connection.on('close', (error) => say('end', error ? error.code ?? error.message : null));
	connection.open();
}

/* The names of what is told: those of the rows that are there, and those that are gone. */
function collect(type, options) {
	collection = connection.collection(type, options);
	collection.ready.then(() => say('ready'), (error) => say('not ready', error.code ?? error.message));
	collection.on('change', (changes) => say('changed', ...changes.map(({ id, row }) => row ? row.title ?? row.id : -id)));
}

async function list(type) {
	const ids = [];

	for await (const { row } of connection.list(type))
		ids.push(row.id);
	return ids;
}

const does = {
	open: ([options]) => open(options),
	advance: async ([ms]) => advance(clock.now + ms, false),
	sleep: async ([ms]) => advance(clock.now + ms, true),
	get: async ([type, id]) => (await connection.get(type, id)).row.id,
	request: ([type, payload]) => connection.request(type, payload),
	list: ([type]) => list(type),
	subscribe: ([filter]) => connection.subscribe(filter),
	collect: ([type, options]) => collect(type, options),
	uncollect: () => collection.close(),
	rows: () => [...collection.rows].map(([id, { title }]) => title ?? id),
	follow: ([filter]) => { follow = connection.follow(filter, ({ seq }) => say('followed', seq)); },
	unfollow: () => follow(),
	position: () => connection.position?.seq ?? null,
	close: () => connection.close(),
	reopen: () => connection.open(),
	online: () => page.get('online')({ type: 'online' }),
	visible: () => page.get('visibilitychange')({ type: 'visibilitychange' }),
	sync: () => {}
};
const asked = new Set(['get', 'request', 'list', 'subscribe']);	/* answered when the server has */

for await (const line of createInterface({ input: process.stdin })) {
	const [what, ...args] = JSON.parse(line);

	await settle();
	if (asked.has(what)) {
		does[what](args).then((answer) => say('answer', answer ?? null), (error) => say('failed', error.code ?? String(error)));
	} else {
		const result = await does[what](args);

		await settle();
		say('done', result ?? null);
	}
}
process.exit();

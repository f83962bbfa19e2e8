#!/usr/bin/env node
/*
 * shared.mjs - connect({ shared: true }) in Chromium: tabs that come and go, and share one connection.
 *
 * The server is in this process, a stream in memory that serves as docs/protocol.md says: subscriptions filter, positions
 * resume.  All is tried with a SharedWorker, and again without, where one of the tabs has the connection.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { WebSocketServer } from 'ws';

import { passes } from '../../clients/js/filter.js';
import { chromium } from '../browser/node_modules/playwright-core/index.mjs';

const STREAM = '90275282-c8f7-42fc-aa58-35e9a7197f09';
const PATIENCE = 1000 * (process.env.BUGEVENTS_TEST_PATIENCE ?? 20);
let count = 0, failed = 0;

function equal(got, wanted, name) {
	const good = JSON.stringify(got) === JSON.stringify(wanted);

	failed += !good;
	console.log(`${good ? 'ok' : 'not ok'} ${++count} - ${name}`);
	if (!good)
		console.log(`# got:    ${JSON.stringify(got)}\n# wanted: ${JSON.stringify(wanted)}`);
}

async function until(condition, what) {
	const end = Date.now() + PATIENCE;

	while (!await condition()) {
		if (Date.now() > end)
			throw new Error(`waited in vain for ${what}`);
		await new Promise((resolve) => setImmediate(resolve));
	}
}

class Server {
	events = [];
	rows = new Map();
	peers = new Set();
	connected = [];			/* the query of each */
	refusal = null;

	begin() {
		this.http = createServer(({ url }, response) => {
			const file = /^\/([a-z-]+\.js)$/.exec(url)?.[1];

			response.setHeader('Content-Type', file ? 'text/javascript' : 'text/html');
			response.end(file ? readFileSync(new URL(`../../clients/js/${file}`, import.meta.url)) : '<!doctype html><title>tab</title>');
		});
		new WebSocketServer({ server: this.http, path: '/ws', handleProtocols: () => 'bugevents.v1' }).on('connection', (socket, request) => this.accept(socket, request));
		return new Promise((resolve) => {
			this.http.listen(0, '127.0.0.1', () => {
				this.url = `http://127.0.0.1:${this.http.address().port}`;
				resolve();
			});
		});
	}

	get seq() { return 10 + this.events.length; }

	accept(socket, request) {
		const query = new URL(request.url, this.url).searchParams;
		const since = query.get('since');
		const peer = { socket, subscription: {}, say: (message) => socket.send(JSON.stringify(message)) };

		this.connected.push(since);
		this.tokens.push(request.headers['sec-websocket-protocol'].split('bearer.')[1]);
		if (this.refusal) {
			peer.say({ type: 'error', payload: { code: this.refusal, message: this.refusal } });
			socket.close(1008, this.refusal);
			return;
		}
		peer.say({ type: 'connection', action: 'ready', payload: {
			connection_id: 'c', user_id: '1', role: 'user', stream: STREAM, seq: Number(since ?? this.seq), resumed: since !== null,
			expires_at: '2026-01-31T13:00:00.000000Z', ping_interval: 30, limits: { max_message_size: 65536, message_rate: 600, max_connections_per_user: 3 }
		} });
		for (const event of this.events)
			if (since !== null && event.seq > Number(since))
				peer.say(event);
		this.peers.add(peer);
		socket.on('close', () => this.peers.delete(peer));
		socket.on('message', (data) => this.answer(peer, JSON.parse(data)));
	}

	tokens = [];

	answer(peer, { type, id, payload }) {
		if (type === 'authenticate')
			this.tokens.push(payload.token);
		if (type === 'subscribe' && JSON.stringify(payload).includes('bad one')) {
			peer.say({ type: 'error', id, payload: { code: 'invalid_field', field: 'any', message: 'bad' } });
			return;
		}
		if (type === 'get') {
			peer.say({ type: 'reply', id, as_of: this.seq, payload: { id: payload.id, title: `row ${payload.id}` } });
			return;
		}
		peer.say({ type: 'reply', id, payload: { seq: this.seq } });
		if (type !== 'subscribe')
			return;
		peer.subscription = payload;
		if (payload.state)
			peer.say({ type: 'state', id, as_of: this.seq, payload: { type: 'bug_report', first: true, last: true, items: [...this.rows.values()] } });
	}

	publish(title, more = {}) {
		const event = { type: 'bug_report', action: 'created', seq: this.seq + 1, tx: { id: '1', n: 1, of: 1 }, at: '', payload: { id: this.seq + 1, title }, ...more };

		this.events.push(event);
		if (event.type === 'bug_report')
			this.rows.set(event.payload.id, event.payload);
		for (const { subscription, say } of this.peers)
			if (passes(subscription, event))
				say(event);
	}
}

const token = (user) => `x.${Buffer.from(JSON.stringify({ sub: user })).toString('base64url')}.x`;

/* A tab, and what is said in it. */
async function tab(context, server, options = {}) {
	const page = await context.newPage();

	page.on('pageerror', (error) => equal(String(error), null, 'nothing is thrown'));
	await page.goto(`${server.url}/`);
	await page.evaluate(async ({ given, user, named }) => {
		const { connect } = await import('/bugevents.js');

		window.titles = [];
		window.resyncs = 0;
		window.states = [];
		window.asked = [];
		window.ended = null;
		window.connection = connect({
			url: '/ws', shared: true, firstDelay: 50, maxDelay: 200, open: false,
			...named ? { getToken: (reason) => { window.asked.push(reason); return user; } } : { token: user }, ...given
		});
		window.connection.on('state', (state) => window.states.push(state));
		window.connection.on('resync', () => window.resyncs++);
		window.connection.on('error', () => {});
		window.connection.on('close', (error) => { window.ended = error?.code; });
		if (!given.quiet)
			window.connection.on('event', (event) => window.titles.push(event.payload.title));
		window.connection.open();
	}, { given: options.options ?? {}, user: token(options.user ?? '1'), named: options.named ?? false });
	if (!options.refused)
		await page.waitForFunction(() => window.connection.state === 'open', null, { timeout: PATIENCE });
	return page;
}

async function has(page, wanted, name) {
	const titles = () => page.evaluate(() => window.titles);

	await until(async () => (await titles()).length >= wanted.length, name).catch(() => {});
	equal(await titles(), wanted, name);
}

async function scenario(browser, how, without) {
	const server = new Server();
	const context = await browser.newContext();

	await server.begin();
	if (without)
		await context.addInitScript(() => { delete globalThis.SharedWorker; });
	server.publish('before');
	const one = await tab(context, server);
	const two = await tab(context, server);
	const three = await tab(context, server, { options: { quiet: true } });

	equal(server.peers.size, 1, `${how}: three tabs, one connection`);
	server.publish('first');
	await has(one, ['first'], `${how}: an event reaches one tab`);
	await has(two, ['first'], `${how}: and the other`);

	await three.evaluate(async () => {
		window.bugs = window.connection.collection('bug_report', { where: { title: ['first', 'third'] } });
		window.connection.follow({ types: ['comment'] }, (event) => window.titles.push(event.seq));
		await window.bugs.ready;
	});
	equal(await three.evaluate(() => [...window.bugs.rows.values()].map(({ title }) => title)), ['first'], `${how}: a collection has its rows`);
	server.publish('second');
	server.publish('third');
	await has(two, ['first', 'second', 'third'], `${how}: each tab has what it wants`);
	await until(() => three.evaluate(() => window.bugs.rows.size === 2), 'the collection');
	equal(await three.evaluate(() => window.titles), [], `${how}: and nothing else`);

	const answers = await Promise.all([one, two].map((page, i) => page.evaluate(async (n) =>
		Promise.all([1, 2, 3].map(async (m) => (await window.connection.get('bug_report', 10 * n + m)).row.id)), i)));

	equal(answers, [[1, 2, 3], [11, 12, 13]], `${how}: answers find the tab that asked`);
	equal(await two.evaluate(() => window.connection.subscribe({ types: ['bad one'] }).catch((error) => error.code)), 'invalid_field', `${how}: a wrong filter is refused`);
	server.publish('fourth');
	await has(two, ['first', 'second', 'third', 'fourth'], `${how}: ... and the one before holds`);

	/* The server ends the connection, while events happen. */
	for (const { socket } of server.peers)
		socket.terminate();
	server.publish('meanwhile');
	await has(one, ['first', 'second', 'third', 'fourth', 'meanwhile'], `${how}: over an end of the connection nothing is lost`);
	await has(two, ['first', 'second', 'third', 'fourth', 'meanwhile'], `${how}: ... in no tab`);
	equal(server.peers.size, 1, `${how}: ... over one connection`);
	equal(await one.evaluate(() => window.states.at(-1)), 'open', `${how}: ... and the tabs know`);

	/* The first tab goes, in which the connection may be. */
	await one.close();
	server.publish('fifth');
	await has(two, ['first', 'second', 'third', 'fourth', 'meanwhile', 'fifth'], `${how}: when a tab is closed the others go on, nothing twice`);
	await until(() => three.evaluate(() => window.connection.state === 'open'), 'the third tab');
	server.publish('comment', { type: 'comment' });
	await until(() => three.evaluate(() => window.titles.length === 1), 'the comment');
	equal(await three.evaluate(() => window.resyncs), 0, `${how}: ... without a gap`);
	await until(() => server.peers.size === 1, 'one connection');

	/* Another user is another connection. */
	const other = await tab(context, server, { user: '2' });

	equal(server.peers.size, 2, `${how}: another user has another connection`);
	await other.close();
	await until(() => server.peers.size === 1, 'its end');
	await two.evaluate(() => window.connection.close());
	await three.evaluate(() => window.connection.close());
	await until(() => server.peers.size === 0, 'the end');
	equal(server.peers.size, 0, `${how}: when all are closed the connection is`);
	await two.evaluate(() => window.connection.open());
	server.publish('sixth');
	await has(two, ['first', 'second', 'third', 'fourth', 'meanwhile', 'fifth', 'comment', 'sixth'], `${how}: opened again where it was`);
	await two.close();

	/* Tokens that are the tabs'. */
	const named = await tab(context, server, { named: true });

	for (const { say } of server.peers)
		say({ type: 'connection', action: 'expiring', payload: { expires_at: 'soon', seconds: 60 } });
	await until(async () => (await named.evaluate(() => window.asked)).includes('renew'), 'a new token');
	await until(() => server.tokens.length > server.connected.length, 'a renewal');
	equal(await named.evaluate(() => window.asked), ['connect', 'renew'], `${how}: the token is renewed by a tab`);
	await named.close();
	await until(() => server.peers.size === 0, 'the end');

	server.refusal = 'user_inactive';
	const refused = await tab(context, server, { refused: true });

	await until(() => refused.evaluate(() => window.ended !== null), 'the refusal');
	equal(await refused.evaluate(() => window.ended), 'user_inactive', `${how}: who may not come is told`);
	await context.close();
	server.http.close();
	server.http.closeAllConnections();
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

try {
	await scenario(browser, 'worker', false);
	await scenario(browser, 'lock', true);
} catch (error) {
	equal(String(error), null, 'it went on to the end');
} finally {
	await browser.close();
}
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);

#!/usr/bin/env -S node --test-reporter=tap
/* The client over a fake WebSocket and a clock that the test moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BugeventsError, connect, parse, passes } from '../bugevents.js';

const STREAM = '90275282-c8f7-42fc-aa58-35e9a7197f09';

function stage(options = {}) {
	const sockets = [];
	const clock = { now: 0, timers: new Map(), last: 0 };

	class FakeSocket {
		constructor(url, protocols) {
			this.url = new URL(url);
			this.protocols = protocols;
			this.sent = [];
			sockets.push(this);
		}

		send(text) { this.sent.push(JSON.parse(text)); }
		close(code) { this.closedWith = code ?? 1005; }

		say(message) { this.raw(JSON.stringify(message)); }
		raw(text) { this.onmessage({ data: text }); }
		ready(more = {}) {
			this.say({ type: 'connection', action: 'ready', payload: { stream: STREAM, seq: 10, resumed: false, ping_interval: 30, user_id: '1', ...more } });
		}
		event(seq, more = {}) { this.say({ type: 'bug_report', action: 'updated', seq, payload: { id: 1 }, ...more }); }
		reply(request, payload, more = {}) { this.say({ type: 'reply', id: request.id, payload, ...more }); }
		error(code, more = {}, id = undefined) { this.say({ type: 'error', id, payload: { code, message: code, ...more } }); }
		end(code = 1006, reason = '') { this.onclose({ code, reason }); }
	}
	const timers = {
		setTimeout(callback, ms) {
			clock.timers.set(++clock.last, { at: clock.now + ms, callback });
			return clock.last;
		},
		clearTimeout(timer) { clock.timers.delete(timer); },
		now: () => clock.now,
		random: () => 1,
		...options.timers
	};
	const connection = connect({ url: 'http://db.example:8432', ...options.getToken ? {} : { token: 'T' }, WebSocket: FakeSocket, ...options, timers });
	const log = [];

	for (const name of ['state', 'event', 'ready', 'resync', 'error', 'close'])
		connection.on(name, (value) => log.push([name, name === 'event' ? value.seq : value?.code ?? value?.seq ?? value]));
	return {
		connection, sockets, log, clock,
		get socket() { return sockets[sockets.length - 1]; },
		seen(name) { return log.filter(([n]) => n === name).map(([, value]) => value); },
		/* Let promises run, then move the clock. */
		async pass(ms = 0) {
			await settle();
			const end = clock.now + ms;

			for (;;) {
				const due = [...clock.timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];

				if (!due)
					break;
				clock.now = due[1].at;
				clock.timers.delete(due[0]);
				due[1].callback();
				await settle();
			}
			clock.now = end;
		}
	};
}

async function settle() {
	for (let i = 0; i < 20; i++)
		await Promise.resolve();
}

async function opened(options) {
	const s = stage(options);

	await s.pass();
	s.socket.ready();
	await s.pass();
	return s;
}

test('the first connection', async () => {
	const s = await opened();

	assert.equal(s.socket.url.href, 'ws://db.example:8432/ws');
	assert.deepEqual(s.socket.protocols, ['bugevents.v1', 'bearer.T'], 'the token is not in the URL');
	assert.equal(s.connection.state, 'open');
	assert.deepEqual(s.connection.position, { stream: STREAM, seq: 10 });
	assert.equal(s.connection.session.user_id, '1');
	assert.deepEqual(s.socket.sent, [], 'nothing is asked for');
});

test('it begins at a moment, and comes back where it was', async () => {
	const s = stage({ since: new Date(Date.UTC(2026, 0, 31, 12)) });

	await s.pass();
	assert.equal(s.socket.url.searchParams.get('since_time'), '2026-01-31T12:00:00.000Z');
	s.socket.ready({ seq: 7, resumed: true });
	s.socket.event(8);
	assert.deepEqual(s.connection.position, { stream: STREAM, seq: 8 });
	s.socket.end();
	await s.pass(3000);
	assert.equal(s.socket.url.searchParams.get('since'), '8');
	assert.equal(s.socket.url.searchParams.get('since_time'), null);
	assert.throws(() => connect({ url: 'ws://x', token: 'T', since: 0, shared: true, WebSocket: class {} }), /since/);
});

test('waiting for what was committed', async () => {
	const s = await opened();
	const reached = s.connection.wait(2n ** 60n);

	await s.pass();
	assert.deepEqual(s.socket.sent[0].payload, { seq: '1152921504606846976' });
	await s.pass(35000);			/* longer than other requests have */
	s.socket.reply(s.socket.sent[0], { reached: true, seq: 11 });
	assert.equal(await reached, true);
});

test('what is missing is said at once', () => {
	assert.throws(() => connect({ token: 'T', WebSocket: class {} }), /url/);
	assert.throws(() => connect({ url: 'ws://x', WebSocket: class {} }), /token/);
	assert.throws(() => connect({ url: 'ws://x', token: 'T', getToken: () => 'T', WebSocket: class {} }), /token/);
});

test('events by name, and as an iteration', async () => {
	const s = await opened();
	const got = [];
	const end = s.connection.on('comment', (event) => got.push(`comment ${event.seq}`));

	s.connection.on('comment.deleted', (event) => got.push(`deleted ${event.seq}`));
	const iteration = s.connection[Symbol.asyncIterator]();

	s.socket.event(11);
	s.socket.event(12, { type: 'comment', action: 'created' });
	end();
	s.socket.event(13, { type: 'comment', action: 'deleted' });
	assert.deepEqual(got, ['comment 12', 'deleted 13']);
	assert.deepEqual(s.seen('event'), [11, 12, 13]);
	assert.equal((await iteration.next()).value.seq, 11);
	assert.equal((await iteration.next()).value.seq, 12);
	assert.equal((await iteration.next()).value.seq, 13);
	const two = [iteration.next(), iteration.next()];

	s.socket.event(14);
	s.socket.event(15);
	assert.deepEqual((await Promise.all(two)).map(({ value }) => value.seq).sort(), [14, 15], 'two may wait at a time');
	const last = [iteration.next(), iteration.next()];

	s.connection.close();
	assert.deepEqual((await Promise.all(last)).map(({ done }) => done), [true, true], 'close ends an iteration that waits');
});

test('a listener that throws does not disturb the others', async () => {
	const s = await opened();
	const thrown = [];
	const previous = process.listeners('uncaughtException');

	process.removeAllListeners('uncaughtException');
	process.on('uncaughtException', (error) => thrown.push(error.message));
	s.connection.on('event', () => { throw new Error('the application'); });
	s.socket.event(11);
	await new Promise((resolve) => setImmediate(resolve));
	process.removeAllListeners('uncaughtException');
	for (const listener of previous)
		process.on('uncaughtException', listener);
	assert.deepEqual(s.seen('event'), [11]);
	assert.deepEqual(thrown, ['the application']);
});

test('resuming: where it was, nothing twice', async () => {
	const s = await opened();

	s.socket.event(11);
	s.socket.event(15);
	s.socket.end(1012, 'shutting_down');
	assert.equal(s.connection.state, 'waiting');
	await s.pass(2000);
	assert.equal(s.sockets.length, 2);
	assert.equal(s.socket.url.search, `?since=15&stream=${STREAM}`);
	s.socket.ready({ resumed: true, seq: 15 });
	for (const seq of [11, 15, 16, 16, 17])
		s.socket.event(seq);
	assert.deepEqual(s.seen('event'), [11, 15, 16, 17]);
	assert.deepEqual(s.seen('resync'), []);
});

test('what an old socket still says is not heard', async () => {
	const s = await opened();
	const old = s.socket;

	old.end();
	await s.pass(2000);
	s.socket.ready({ resumed: true });
	old.event(11);
	old.end();
	assert.deepEqual(s.seen('event'), []);
	assert.equal(s.connection.state, 'open');
});

test('a gap is told', async () => {
	const s = await opened({ position: { stream: STREAM, seq: 3 } });

	assert.equal(s.socket.url.search, `?since=3&stream=${STREAM}`);
	s.socket.error('resync_required', { oldest: 8, seq: 10 });
	assert.deepEqual(s.seen('resync'), [10]);
	assert.deepEqual(s.seen('error'), []);
	s.socket.event(11);
	assert.deepEqual(s.connection.position, { stream: STREAM, seq: 11 });
	s.socket.error('resync_required', { oldest: 50, seq: 60 });
	assert.equal(s.connection.position.seq, 60, 'also in mid-stream');
});

test('another stream begins anew', async () => {
	const s = await opened();

	s.socket.event(5000);
	s.socket.end();
	await s.pass(2000);
	s.socket.ready({ stream: 'other', seq: 7, resumed: false });
	s.socket.event(8);
	assert.deepEqual(s.seen('event'), [5000, 8]);
	assert.deepEqual(s.connection.position, { stream: 'other', seq: 8 });
});

test('back-off doubles, then it is offline, and goes on each minute', async () => {
	const s = stage();
	const waits = [];

	for (let i = 0; i < 5; i++) {
		await s.pass();
		const before = s.clock.now;

		s.socket.end();
		const sockets = s.sockets.length;

		while (s.sockets.length === sockets)
			await s.pass(500);
		waits.push(s.clock.now - before);
	}
	assert.deepEqual(waits, [2000, 4000, 8000, 16000, 32000]);
	assert.deepEqual(s.seen('error'), []);
	for (let i = 0; i < 3; i++) {
		s.socket.end();
		assert.equal(s.connection.state, 'offline');
		const sockets = s.sockets.length;

		await s.pass(59999);
		assert.equal(s.sockets.length, sockets);
		await s.pass(1);
		assert.equal(s.sockets.length, sockets + 1);
		assert.equal(s.connection.state, 'offline', 'also while it tries');
	}
	assert.deepEqual(s.seen('error'), ['disconnected'], 'it is told, once');
	s.socket.ready();
	assert.equal(s.connection.state, 'open');
	assert.deepEqual(s.seen('state').slice(-2), ['offline', 'open']);
	assert.deepEqual(s.seen('close'), []);
});

test('offline, the attempts of many pages are spread over half a minute', async () => {
	const s = stage({ attempts: 0, timers: { random: () => 0 } });

	await s.pass();
	s.socket.end();
	await s.pass(29999);
	assert.equal(s.sockets.length, 1);
	await s.pass(1);
	assert.equal(s.sockets.length, 2);
});

/* What a page has beside the client, while the test runs. */
function page(t) {
	const listeners = new Map();
	const hear = {
		addEventListener: (type, listener) => listeners.set(type, listener),
		removeEventListener: (type) => listeners.delete(type)
	};

	Object.assign(globalThis, hear, { document: { visibilityState: 'visible', ...hear } });
	t.after(() => {
		for (const name of ['addEventListener', 'removeEventListener', 'document'])
			delete globalThis[name];
	});
	return { listeners, fire: (type) => listeners.get(type)?.({ type }) };
}

test('the network is back, or the page is seen again: at once', async (t) => {
	const { listeners, fire } = page(t);
	const s = stage({ attempts: 0 });

	for (const type of ['online', 'visibilitychange']) {
		await s.pass();
		s.socket.end();
		assert.equal(s.connection.state, 'offline');
		const sockets = s.sockets.length;

		fire(type);
		assert.equal(s.connection.state, 'connecting');
		await s.pass();
		assert.equal(s.sockets.length, sockets + 1);
		fire(type);
		await s.pass();
		assert.equal(s.sockets.length, sockets + 1, 'one attempt at a time');
	}
	document.visibilityState = 'hidden';
	s.socket.end();
	const sockets = s.sockets.length;

	fire('visibilitychange');
	await s.pass();
	assert.equal(s.sockets.length, sockets, 'not when it is hidden');
	s.connection.close();
	assert.equal(listeners.size, 0);
});

test('the page is seen again: is the socket alive?', async (t) => {
	const { fire } = page(t);
	const s = await opened();

	fire('visibilitychange');
	assert.equal(s.socket.sent.length, 0, 'it was heard just now');
	await s.pass(5000);
	fire('visibilitychange');
	fire('visibilitychange');
	assert.deepEqual(s.socket.sent.map(({ type }) => type), ['ping']);
	await s.pass(9999);
	assert.equal(s.connection.state, 'open');
	await s.pass(1);
	assert.equal(s.connection.state, 'waiting');
});

test('retry_after holds also when the network is back', async (t) => {
	const { fire } = page(t);
	const s = stage();

	await s.pass();
	s.socket.error('rate_limited', { retry_after: 9 });
	s.socket.end(1008, 'rate_limited');
	await s.pass(8999);
	fire('online');
	await s.pass();
	assert.equal(s.sockets.length, 1);
	await s.pass(1);
	assert.equal(s.sockets.length, 2);
});

test('a server that never says ready is left', async () => {
	const s = stage();

	await s.pass(29999);
	assert.equal(s.connection.state, 'connecting');
	await s.pass(1);
	assert.equal(s.connection.state, 'waiting');
	assert.equal(s.socket.closedWith, 1005);
});

for (const code of ['server_full', 'too_many_connections'])
	test(`${code}: it waits, however long`, async () => {
		const s = stage();

		for (let i = 1; i <= 12; i++) {
			await s.pass();
			s.socket.error(code);
			s.socket.end(1013, code);
			assert.equal(s.connection.state, 'waiting');
			await s.pass(Math.min(60000, 1000 * 2 ** i));
			assert.equal(s.sockets.length, i + 1);
		}
		s.socket.ready();
		assert.equal(s.connection.state, 'open');
	});

test('full jitter; endless if wanted; ready begins anew', async () => {
	const s = stage({ attempts: Infinity, timers: { random: () => 0.25 } });

	for (let i = 0; i < 12; i++) {
		await s.pass();
		s.socket.end();
		await s.pass(15000);	/* a quarter of the longest */
		assert.equal(s.sockets.length, i + 2);
	}
	s.socket.ready();
	s.socket.end();
	await s.pass(499);
	assert.equal(s.sockets.length, 13);
	await s.pass(1);
	assert.equal(s.sockets.length, 14);
});

test('retry_after is waited for', async () => {
	const s = stage({ timers: { random: () => 0 } });

	await s.pass();
	s.socket.error('rate_limited', { retry_after: 9.5 });
	s.socket.end(1008, 'rate_limited');
	await s.pass(9499);
	assert.equal(s.sockets.length, 1);
	await s.pass(1);
	assert.equal(s.sockets.length, 2);
});

for (const code of ['missing_token', 'invalid_token', 'user_inactive', 'forbidden', 'origin_not_allowed', 'token_expired'])
	test(`${code} is the end`, async () => {
		const s = await opened();

		s.socket.error(code);
		s.socket.end(1008, code);
		assert.equal(s.connection.state, 'closed');
		assert.deepEqual(s.seen('close'), [code]);
		assert.deepEqual(s.seen('error'), [code]);
		await s.pass(1e6);
		assert.equal(s.sockets.length, 1);
	});

for (const code of ['server_full', 'too_many_connections', 'shutting_down', 'access_changed', 'too_far_behind', 'connection_timeout', 'internal_error'])
	test(`${code} is not`, async () => {
		const s = await opened();

		s.socket.error(code);
		s.socket.end(1008, code);
		await s.pass(2000);
		assert.equal(s.sockets.length, 2);
	});

test('getToken: at each attempt, and ahead of expiry', async () => {
	const reasons = [];
	const s = await opened({ getToken: async (reason) => { reasons.push(reason); return `token${reasons.length}`; } });

	assert.deepEqual(s.socket.protocols, ['bugevents.v1', 'bearer.token1']);
	s.socket.say({ type: 'connection', action: 'expiring', payload: { seconds: 60 } });
	await s.pass();
	const [request] = s.socket.sent;

	assert.deepEqual([request.type, request.payload], ['authenticate', { token: 'token2' }]);
	s.socket.reply(request, { expires_at: 'later', role: 'admin' });
	await s.pass();
	assert.deepEqual([s.connection.session.expires_at, s.connection.session.role, s.connection.session.user_id], ['later', 'admin', '1']);
	s.socket.error('token_expired');
	s.socket.end(1008, 'token_expired');
	await s.pass(2000);
	assert.deepEqual(s.socket.protocols, ['bugevents.v1', 'bearer.token3'], 'an expired token is not the end then');
	assert.deepEqual(reasons, ['connect', 'renew', 'connect']);
});

test('a renewal that fails is told, unless the connection ended meanwhile', async () => {
	const s = await opened({ getToken: async (reason) => { if (reason === 'renew') throw new Error('offline'); return 'T'; } });

	s.socket.say({ type: 'connection', action: 'expiring', payload: { seconds: 60 } });
	await s.pass();
	assert.deepEqual(s.seen('error').map(String), ['Error: offline']);
	s.socket.say({ type: 'connection', action: 'expiring', payload: { seconds: 60 } });
	s.connection.close();
	await s.pass();
	assert.equal(s.seen('error').length, 1);
});

test('getToken that fails, or never comes back', async () => {
	let calls = 0;
	const s = stage({ getToken: () => ++calls === 1 ? Promise.reject(new Error('offline')) : calls === 2 ? new Promise(() => {}) : 'T' });

	await s.pass(2000);
	assert.equal(calls, 2);
	await s.pass(30000 + 4000);
	assert.equal(calls, 3);
	assert.equal(s.sockets.length, 1);
	s.socket.ready();
	assert.equal(s.connection.state, 'open');
});

test('close while the token is being fetched', async () => {
	let give;
	const s = stage({ getToken: () => new Promise((resolve) => { give = resolve; }) });

	s.connection.close();
	give('T');
	await s.pass(1e6);
	assert.equal(s.sockets.length, 0);
	assert.deepEqual(s.seen('close'), [null]);
});

test('close while a token is fetched that fails, or never comes', async () => {
	let fail;
	const failing = stage({ getToken: () => new Promise((_, reject) => { fail = reject; }) });

	failing.connection.close();
	fail(new Error('offline'));
	await failing.pass(1e6);
	const never = stage({ getToken: () => new Promise(() => {}) });

	never.connection.close();
	await never.pass(1e6);
	for (const s of [failing, never]) {
		assert.equal(s.connection.state, 'closed');
		assert.equal(s.sockets.length, 0);
		assert.deepEqual(s.seen('error'), []);
		assert.deepEqual(s.seen('close'), [null]);
	}
});

test('requests', async () => {
	const s = await opened();
	const one = s.connection.request('ping');
	const two = s.connection.get('bug_report', 7);
	const three = s.connection.request('nothing');

	s.socket.reply(s.socket.sent[1], { id: 7 }, { as_of: 12 });
	s.socket.reply(s.socket.sent[0], { pong: true });
	s.socket.error('unknown_type', {}, s.socket.sent[2].id);
	assert.deepEqual(await one, { pong: true });
	assert.deepEqual(await two, { row: { id: 7 }, asOf: 12 });
	await assert.rejects(three, (error) => error instanceof BugeventsError && error.code === 'unknown_type');
	assert.deepEqual(s.seen('error'), [], 'an answer is not an error of the connection');

	const late = s.connection.request('ping');
	const lost = s.connection.request('ping');

	s.pass(30000);
	await assert.rejects(late, { code: 'timeout' });
	s.socket.end();
	await assert.rejects(lost, { code: /timeout|disconnected/ });
	await assert.rejects(s.connection.request('ping'), { code: 'disconnected' });
});

test('list goes through all pages', async () => {
	const s = await opened();
	const rows = [];
	const all = (async () => {
		for await (const { row, asOf } of s.connection.list('comment', { bug_report_id: 3 }))
			rows.push([row.id, asOf]);
	})();

	await s.pass();
	assert.deepEqual(s.socket.sent[0].payload, { type: 'comment', limit: 1000, bug_report_id: 3 });
	s.socket.reply(s.socket.sent[0], { items: [{ id: 1 }, { id: 2 }], next: '5:2' }, { as_of: 20 });
	await s.pass();
	assert.equal(s.socket.sent[1].payload.after, '5:2');
	s.socket.reply(s.socket.sent[1], { items: [{ id: 9 }], next: null }, { as_of: 21 });
	await all;
	assert.deepEqual(rows, [[1, 20], [2, 20], [9, 21]]);
});

test('a subscription outlives the connection', async () => {
	const s = await opened();
	const filter = { types: ['comment'], project_ids: [1] };
	const done = s.connection.subscribe(filter);

	s.socket.reply(s.socket.sent[0], { seq: 10 });
	await done;
	s.socket.end();
	await s.pass(2000);
	s.socket.ready({ resumed: true });
	await s.pass();
	assert.deepEqual([s.socket.sent[0].type, s.socket.sent[0].payload], ['subscribe', filter]);
	s.socket.event(11);
	s.socket.event(12, { type: 'comment', payload: { project_id: '1' } });
	s.socket.event(13, { type: 'comment', payload: { project_id: 2 } });
	assert.deepEqual(s.seen('event'), [12], 'what came before it took effect is filtered here');
	assert.equal(s.connection.position.seq, 13);
	s.socket.reply(s.socket.sent[0], { seq: 13 });
	await s.pass();
	s.socket.event(14);
	assert.deepEqual(s.seen('event'), [12, 14], 'from then on the server does');
	const bad = s.connection.subscribe({ types: 1 });

	s.socket.error('invalid_field', {}, s.socket.sent[1].id);
	await assert.rejects(bad, { code: 'invalid_field' });
});

test('the filter is the server\'s', () => {
	const event = (type, payload, action = 'updated') => ({ type, action, payload });

	assert.ok(passes(null, event('x', {})));
	assert.ok(passes({}, event('x', {})));
	assert.ok(passes({ types: [] }, event('x', {})));
	assert.ok(!passes({ types: ['y'] }, event('x', {})));
	assert.ok(passes({ actions: ['updated'] }, event('x', {})));
	assert.ok(passes({ project_ids: ['4'] }, event('project', { id: 4 })));
	assert.ok(!passes({ project_ids: [4] }, event('user', { id: 4 })));
	assert.ok(passes({ bug_report_ids: [4] }, event('bug_report', { id: 4 })));
	assert.ok(passes({ bug_report_ids: [4] }, event('comment', { id: 9, bug_report_id: 4 })));
	assert.ok(!passes({ project_ids: [4] }, event('bug_report', { id: 1, project_id: null })));

	const bug = event('bug_report', { id: 12, status: 'closed', assignee_id: null, urgent: true, tags: [7] });

	bug.changes = { status: ['open', 'closed'] };
	assert.ok(passes({ where: { id: '12', urgent: true, assignee_id: [7, null] } }, bug));
	assert.ok(passes({ where: { status: 'closed' } }, bug));
	assert.ok(passes({ where: { status: ['open'] } }, bug));
	assert.ok(passes({ any: [{ types: ['x'] }, { where: { id: 12n } }] }, bug));
	for (const where of [{ status: 'new' }, { id: '012' }, { urgent: 'true' }, { tags: 7 }, { severity: null }, { assignee_id: 'null' }])
		assert.ok(!passes({ where }, bug), JSON.stringify(where));
	assert.ok(!passes({ types: ['x'], any: [{ where: { id: 12 } }] }, bug));
	assert.ok(passes({ project_ids: [3], where: { status: 'open' } }, event('bug_report', { id: 12 }, 'moved_out')));
	assert.ok(!passes({ where: { id: 13 } }, event('bug_report', { id: 12 }, 'moved_out')));
	assert.ok(passes({ project_ids: [3], where: { status: 'open' } }, event('bug_report', { table: 't' }, 'truncated')));
	assert.ok(passes({ types: ['task'], where: { id: 1 } }, event('schema', { type: 'task' })));
});

test('a connection that went silent is left', async () => {
	const s = await opened();

	await s.pass(29999);
	assert.equal(s.socket.sent.length, 0);
	await s.pass(1);
	assert.equal(s.socket.sent[0].type, 'ping');
	s.socket.reply(s.socket.sent[0], { pong: true });
	await s.pass(30000);
	assert.equal(s.socket.sent.length, 2, 'asked again');
	await s.pass(10000);
	assert.equal(s.connection.state, 'waiting', 'no answer');
	assert.equal(s.socket.closedWith, 1005);
	await s.pass(2000);
	assert.equal(s.sockets.length, 2);
});

test('close', async () => {
	const s = await opened();
	const waiting = s.connection.request('ping');

	s.connection.close();
	s.connection.close();
	await assert.rejects(waiting, { code: 'disconnected' });
	assert.equal(s.socket.closedWith, 1000);
	assert.deepEqual(s.seen('close'), [null]);
	assert.deepEqual(s.seen('state'), ['open', 'closed']);
	assert.equal(s.clock.timers.size, 0, 'no timer is left');
});

test('open again, where it was', async () => {
	const s = await opened();

	s.socket.event(11);
	s.connection.close();
	s.connection.open();
	s.connection.open();
	await s.pass();
	assert.equal(s.sockets.length, 2);
	assert.equal(s.socket.url.search, `?since=11&stream=${STREAM}`);
	s.socket.ready({ resumed: true });
	s.socket.event(12);
	assert.deepEqual(s.seen('event'), [11, 12]);
	assert.deepEqual(s.seen('state'), ['open', 'closed', 'connecting', 'open']);
	s.socket.error('user_inactive');
	s.socket.end(1008, 'user_inactive');
	assert.equal(s.connection.state, 'closed');
	s.connection.open();
	await s.pass();
	assert.equal(s.sockets.length, 3, 'also after an end that was not wanted');
});

test('close and open while a token is fetched: one attempt, the later one', async () => {
	const give = [];
	const s = stage({ getToken: () => new Promise((resolve) => { give.push(resolve); }) });

	s.connection.close();
	s.connection.open();
	give[0]('early');
	await s.pass();
	assert.equal(s.sockets.length, 0);
	give[1]('late');
	await s.pass();
	assert.deepEqual(s.sockets.map(({ protocols }) => protocols[1]), ['bearer.late']);
});

test('made on a server: nothing happens before open()', () => {
	const connection = connect({ url: '/ws', token: 'T', open: false });

	assert.equal(connection.state, 'closed');
	connection.close();
	assert.throws(() => connect({ url: '/ws', token: 'T', open: false, WebSocket: class {} }).open(), /URL/);
	if (!globalThis.WebSocket)
		assert.throws(() => connection.open(), /WebSocket/);
});

test('what nobody listens to goes to the console, not again and again', async (t) => {
	const { mock } = t.mock.method(console, 'error', () => {});
	const timers = { setTimeout: (callback, ms) => { if (ms < 30000) queueMicrotask(callback); }, clearTimeout: () => {}, random: () => 0 };
	let calls = 0;
	const connection = connect({ url: 'ws://x', WebSocket: class {}, timers, maxDelay: 1000, getToken: () => {
		if (++calls === 20)
			connection.close();
		throw new Error(calls < 10 ? 'offline' : 'signed out');
	} });

	while (connection.state !== 'closed')
		await settle();
	assert.deepEqual(mock.calls.map(({ arguments: [, error] }) => error.message), ['offline', 'signed out']);
});

test('a fatal error of getToken is the end, also at renewal', async () => {
	for (const when of ['connect', 'renew']) {
		const s = stage({ getToken: (reason) => {
			if (reason === when)
				throw Object.assign(new Error('signed out'), { fatal: true });
			return 'T';
		} });

		await s.pass();
		s.socket?.ready();
		s.socket?.say({ type: 'connection', action: 'expiring', payload: { seconds: 60 } });
		await s.pass();
		assert.equal(s.connection.state, 'closed');
		assert.deepEqual(s.seen('error').map(String), ['Error: signed out']);
		assert.deepEqual(s.seen('close').map(String), ['Error: signed out']);
	}
});

test('a token URL that answers nonsense, or a bad token, is asked again', async () => {
	const answers = ['<html>Bad Gateway</html>', undefined, 'a.b.c', ' good\n'];
	const s = stage({ getToken: () => answers.shift() });

	await s.pass(2000);
	await s.pass(4000);
	assert.deepEqual(s.seen('error'), ['invalid_token'], 'undefined has the form of one');
	s.socket.error('invalid_token');
	s.socket.end(1008, 'invalid_token');
	assert.equal(s.connection.state, 'waiting');
	await s.pass(8000);
	s.socket.error('invalid_token');
	s.socket.end(1008, 'invalid_token');
	await s.pass(16000);
	assert.deepEqual(s.sockets.map(({ protocols }) => protocols[1]), ['bearer.undefined', 'bearer.a.b.c', 'bearer.good']);
});

test('a renewal that fails is tried again', async () => {
	let calls = 0;
	const s = await opened({ getToken: (reason) => {
		if (reason === 'renew' && ++calls < 3)
			throw new Error('offline');
		return 'T';
	} });

	s.socket.say({ type: 'connection', action: 'expiring', payload: { seconds: 60 } });
	await s.pass(20000);
	assert.equal(calls, 3);
	assert.deepEqual(s.socket.sent.map(({ type }) => type), ['authenticate']);
	calls = 0;
	s.socket.say({ type: 'connection', action: 'expiring', payload: { seconds: 60 } });
	await s.pass();
	s.connection.close();
	assert.equal(s.clock.timers.size, 0, 'but not when it is closed');
});

test('a filter that the server does not know is the end, and told', async () => {
	const s = await opened({ filter: { typse: ['comment'] } });

	s.socket.event(11);
	s.socket.error('invalid_field', { field: 'typse' }, s.socket.sent[0].id);
	await s.pass();
	assert.equal(s.connection.state, 'closed');
	assert.deepEqual(s.seen('error'), ['invalid_field']);
	assert.deepEqual(s.seen('close'), ['invalid_field']);
	const odd = await opened({ filter: { types: 'comment' } });

	odd.socket.event(11);		/* does not trip over it */
	odd.socket.error('invalid_field', {}, odd.socket.sent[0].id);
	await odd.pass();
	assert.deepEqual(odd.seen('close'), ['invalid_field']);
});

test('the filter is told before anything else', async () => {
	const s = stage({ filter: { types: ['comment'] } });

	s.connection.on('ready', () => { s.connection.get('comment', 1).catch(() => {}); });
	await s.pass();
	s.socket.ready();
	assert.deepEqual(s.socket.sent.map(({ type }) => type), ['subscribe', 'get']);
});

const LIMITS = { max_message_size: 200, message_rate: 60 };

test('the message rate: as many as the server takes, two to spare, then one a second', async () => {
	const s = stage();

	await s.pass();
	s.socket.ready({ limits: LIMITS });
	const answered = [];
	const answer = async () => {
		for (const request of s.socket.sent.slice(answered.length)) {
			answered.push(request.payload.id);
			s.socket.reply(request, { id: request.payload.id });
		}
		await settle();
	};
	const all = Promise.all(Array.from({ length: 70 }, (_, i) => s.connection.get('bug_report', i)));

	assert.equal(s.socket.sent.length, 8, 'eight at a time');
	for (let i = 0; i < 20; i++)
		await answer();
	assert.equal(s.socket.sent.length, 58);
	for (let i = 1; i <= 12; i++) {
		await s.pass(999);
		assert.equal(s.socket.sent.length, 57 + i);
		await s.pass(1);
		assert.equal(s.socket.sent.length, 58 + i);
		await answer();
	}
	assert.deepEqual((await all).map(({ row }) => row.id), answered);
	assert.deepEqual(answered, [...answered].sort((a, b) => a - b), 'in order');
});

test('a list of any size: a message for each page, also over an end of the connection', async () => {
	const s = stage({ timers: { random: () => 0 } });
	const pages = 100;
	let rows = 0;
	const all = (async () => {
		for await (const { row } of s.connection.list('bug_report'))
			rows += row.many;
	})();
	let asked = 0;

	for (let i = 0; asked < pages; i++) {
		await s.pass(1000);
		if (s.connection.state !== 'open')
			s.socket.ready({ limits: LIMITS, resumed: i > 0 });
		await settle();
		for (const { id, payload } of s.socket.sent.splice(0)) {
			assert.equal(payload.after, asked === 0 ? undefined : `1:${asked}`);
			if (asked === 30 && s.sockets.length === 1) {
				s.socket.end();
				break;
			}
			asked++;
			s.socket.say({ type: 'reply', id, as_of: 10, payload: { items: [{ many: 1000 }], next: asked < pages ? `1:${asked}` : null } });
		}
	}
	await all;
	assert.equal(rows, 100000);
	assert.equal(s.sockets.length, 2);
});

test('rate_limited is asked again when it may be', async () => {
	const s = await opened();
	const one = s.connection.get('bug_report', 1);

	s.socket.error('rate_limited', { retry_after: 3 }, s.socket.sent[0].id);
	const two = s.connection.get('bug_report', 2);

	await s.pass(2999);
	assert.equal(s.socket.sent.length, 1);
	await s.pass(1);
	assert.deepEqual(s.socket.sent.map(({ payload }) => payload.id), [1, 1, 2]);
	s.socket.reply(s.socket.sent[1], { id: 1 });
	s.socket.reply(s.socket.sent[2], { id: 2 });
	assert.deepEqual((await Promise.all([one, two])).map(({ row }) => row.id), [1, 2]);
	s.connection.get('bug_report', 3).catch(() => {});
	s.socket.error('rate_limited', { retry_after: 60 }, s.socket.sent[3].id);
	s.socket.end();
	await s.pass(2000);
	s.socket.ready();
	s.connection.get('bug_report', 4);
	assert.equal(s.socket.sent.length, 1, 'another connection has a bucket of its own');
	assert.deepEqual(s.seen('error'), []);
});

test('an error without an id finds its request', async () => {
	const s = await opened();
	const [one, two, three] = ['one', 'two', 'three'].map((type) => s.connection.request(type));

	s.socket.reply(s.socket.sent[0], { from: 'one' });
	s.socket.error('invalid_message');		/* of two or three */
	const four = s.connection.request('four');

	s.socket.reply(s.socket.sent[3], { from: 'four' });
	s.socket.reply(s.socket.sent[1], { from: 'two' });
	assert.deepEqual(await Promise.all([one, two, four]), [{ from: 'one' }, { from: 'two' }, { from: 'four' }]);
	await assert.rejects(three, { code: 'invalid_message' });

	const [five, six] = ['five', 'six'].map((type) => s.connection.request(type));

	s.socket.error('rate_limited', { retry_after: 1 });
	const seven = s.connection.request('seven');

	assert.equal(s.socket.sent.length, 6, 'whosever it is: the next one waits');
	s.socket.error('rate_limited', { retry_after: 0.9 });
	await s.pass(1000);
	assert.deepEqual(s.socket.sent.slice(4).map(({ type }) => type), ['five', 'six', 'five', 'six', 'seven']);
	for (const request of s.socket.sent.slice(6))
		s.socket.reply(request, {});
	await Promise.all([five, six, seven]);
	assert.deepEqual(s.seen('error'), []);
	s.socket.error('invalid_message');
	assert.deepEqual(s.seen('error'), ['invalid_message'], 'of no request: somebody hears of it');
	assert.equal(s.connection.state, 'open');
});

test('a request that is too big is refused here, or finds its error', async () => {
	const s = stage();

	await s.pass();
	s.socket.ready({ limits: LIMITS });
	await assert.rejects(s.connection.request('x', { text: 'é'.repeat(100) }), { code: 'message_too_big' });
	assert.equal(s.socket.sent.length, 0);
	const [small, large] = [1, 50].map((n) => s.connection.request('x', { text: 'x'.repeat(n) }));

	s.socket.error('message_too_big');		/* the limit was lowered meanwhile */
	s.socket.end(1009, 'message_too_big');
	await assert.rejects(large, { code: 'message_too_big' });
	await assert.rejects(small, { code: 'disconnected' });
});

test('what is not JSON may have been an event: told, and read again', async () => {
	for (const text of ['{"type":"bug_report","seq":11', 'null', undefined]) {
		const s = await opened();
		const lost = s.connection.request('ping');

		s.socket.raw(text);
		await assert.rejects(lost, { code: 'disconnected' });
		assert.deepEqual(s.seen('error'), ['invalid_message']);
		await s.pass(2000);
		assert.equal(s.socket.url.search, `?since=10&stream=${STREAM}`);
	}
});

test('numbers beyond 2^53 are strings, and nothing else is', async () => {
	const same = [
		'{"a":9007199254740991,"b":-9007199254740991,"c":0}', '[1.2345678901234567890,12345678901234567e3,1e400]',
		'{"a":"9007199254740993","b":":9007199254740993","c":"\\":9007199254740993","d":"\\\\"}', '"[9007199254740993"',
		'{"a\\\\\\":9007199254740993":[[]]}', '0000', '["\\u0022,9007199254740993"]'
	];

	for (const text of same) {
		let wanted;

		try {
			wanted = JSON.parse(text);
		} catch {
			assert.throws(() => parse(text), SyntaxError);
			continue;
		}
		assert.deepEqual(parse(text), wanted, text);
	}
	assert.deepEqual(parse('{"id":9007199254740993,"a":["x\\"",-9007199254740993 , 9223372036854775807],"b":{"c" : 12345678901234567890}}'),
		{ id: '9007199254740993', a: ['x"', '-9007199254740993', '9223372036854775807'], b: { c: '12345678901234567890' } });
	const s = await opened();
	const got = [];

	s.connection.on('event', ({ payload }) => got.push(payload.id));
	s.socket.raw('{"type":"bug_report","action":"created","seq":11,"payload":{"id":9007199254740993}}');
	assert.deepEqual(got, ['9007199254740993']);
	s.connection.get('bug_report', 9007199254740993n);
	assert.equal(s.socket.sent[0].payload.id, '9007199254740993');
});

test('the cost of that is linear', () => {
	const million = 1e6;
	const hostile = [
		`{"a":"${'\\"'.repeat(million)}","id":9007199254740993}`, `[${'9007199254740993,'.repeat(million / 10)}1]`,
		`["${':9007199254740993'.repeat(million / 10)}",9007199254740993]`, `{"a":"${'\\\\'.repeat(million)}","id":9007199254740993}`,
		`[${' '.repeat(million)}9007199254740993]`, `[${'1'.repeat(million)}]`, `["${':'.repeat(million)}",9007199254740993]`
	];

	for (const text of hostile) {
		const begin = performance.now();

		parse(text);
		assert.ok(performance.now() - begin < 3000, `${text.slice(0, 20)}: ${performance.now() - begin} ms`);
	}
});

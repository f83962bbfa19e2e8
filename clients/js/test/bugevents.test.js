#!/usr/bin/env -S node --test-reporter=tap
/* The client over a fake WebSocket and a clock that the test moves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BugeventsError, connect, passes } from '../bugevents.js';

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

		say(message) { this.onmessage({ data: JSON.stringify(message) }); }
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

test('back-off doubles, and gives up', async () => {
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
	s.socket.end();
	assert.equal(s.connection.state, 'closed');
	assert.deepEqual(s.seen('close'), ['disconnected']);
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
	assert.deepEqual(s.socket.sent[0].payload, { type: 'comment', bug_report_id: 3 });
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

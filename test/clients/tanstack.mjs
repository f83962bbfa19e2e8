#!/usr/bin/env node
/*
 * tanstack.mjs - the adapter for TanStack DB, in that library, over a server in memory.
 */
import { createCollection, createLiveQueryCollection, eq } from '@tanstack/db';

import { connect } from '../../clients/js/bugevents.js';
import { bugeventsCollectionOptions } from '../../clients/tanstack-db/index.js';

const STREAM = '90275282-c8f7-42fc-aa58-35e9a7197f09';
let count = 0, failed = 0;

function equal(got, wanted, name) {
	const good = JSON.stringify(got) === JSON.stringify(wanted);

	failed += !good;
	console.log(`${good ? 'ok' : 'not ok'} ${++count} - ${name}`);
	if (!good)
		console.log(`# got:    ${JSON.stringify(got)}\n# wanted: ${JSON.stringify(wanted)}`);
}

const settle = async () => {
	for (let i = 0; i < 5; i++)
		await new Promise((resolve) => setImmediate(resolve));
};

function stage({ refused = false } = {}) {
	const server = { seq: 10, rows: new Map(), states: 0, sockets: [] };

	server.socketClass = class {
		constructor() {
			server.sockets.push(this);
			queueMicrotask(() => this.say({ type: 'connection', action: 'ready', payload: { stream: STREAM, seq: server.seq, resumed: false, user_id: '1', ping_interval: 30 } }));
		}

		say(message) { this.onmessage({ data: JSON.stringify(message) }); }
		close() {}
		send(text) {
			const { type, id, payload } = JSON.parse(text);

			queueMicrotask(() => {
				if (refused && payload.state) {
					this.say({ type: 'error', id, payload: { code: 'invalid_field', message: 'no' } });
					return;
				}
				this.say({ type: 'reply', id, payload: { seq: server.seq } });
				if (type === 'subscribe' && payload.state) {
					server.states++;
					this.say({ type: 'state', id, as_of: server.seq, payload: { type: 'bug_report', items: [...server.rows.values()], first: true, last: true } });
				}
			});
		}
	};
	server.publish = (row, { tx = '7', action = 'updated' } = {}) => {
		if (action === 'deleted')
			server.rows.delete(row.id);
		else
			server.rows.set(row.id, row);
		server.sockets.at(-1).say({ type: 'bug_report', action, seq: ++server.seq, tx: { id: tx, n: 1, of: 1 }, at: '', payload: row });
	};
	for (const [id, title, status] of [[1, 'one', 'open'], [2, 'two', 'closed'], [3, 'three', 'open']])
		server.rows.set(id, { id, title, status });
	return { server, connection: connect({ url: 'ws://db.example/ws', token: 'T', WebSocket: server.socketClass }) };
}

const titles = (collection) => [...collection.values()].map(({ title }) => title).sort();
const bugsOf = (connection, options = {}) => createCollection(bugeventsCollectionOptions({ connection, type: 'bug_report', ...options }));

async function test_rows() {
	const { server, connection } = stage();
	const bugs = bugsOf(connection);

	await bugs.preload();
	equal([bugs.status, titles(bugs)], ['ready', ['one', 'three', 'two']], 'rows are loaded');
	const open = createLiveQueryCollection((q) => q.from({ bug: bugs }).where(({ bug }) => eq(bug.status, 'open')).orderBy(({ bug }) => bug.title).select(({ bug }) => ({ title: bug.title })));

	await open.preload();
	equal(open.toArray.map(({ title }) => title), ['one', 'three'], 'a live query');
	server.publish({ id: 2, title: 'two', status: 'open' });
	server.publish({ id: 4, title: 'four', status: 'open' }, { action: 'created' });
	server.publish({ id: 1, title: 'one', status: 'open' }, { action: 'deleted' });
	await settle();
	equal(open.toArray.map(({ title }) => title), ['four', 'three', 'two'], '... follows');
	server.publish({ id: 4, title: 'four' });
	await settle();
	equal([bugs.get(4).title, 'status' in bugs.get(4)], ['four', false], 'a row is replaced as a whole');
	connection.close();
}

async function test_gap() {
	const { server, connection } = stage();
	const bugs = bugsOf(connection);

	await bugs.preload();
	server.rows.delete(1);
	server.rows.set(9, { id: 9, title: 'nine', status: 'open' });
	server.seq = 100;
	server.sockets.at(-1).say({ type: 'error', payload: { code: 'resync_required', oldest: 90, seq: 100 } });
	await settle();
	equal([bugs.status, titles(bugs)], ['ready', ['nine', 'three', 'two']], 'over a gap');
	connection.close();
}

async function test_mutations() {
	const { server, connection } = stage();
	const written = [];
	const bugs = bugsOf(connection, {
		seenTimeout: 200,
		onUpdate: ({ transaction: { mutations } }) => new Promise((resolve, reject) => { written.push({ changes: mutations[0].changes, resolve, reject }); }),
		onInsert: async ({ transaction: { mutations } }) => {
			server.publish(mutations[0].modified, { tx: '50', action: 'created' });
			return { txid: [50] };
		},
		onDelete: async () => undefined
	});
	const seen = [];

	await bugs.preload();
	bugs.subscribeChanges((changes) => { for (const { key, value } of changes) if (key === 1) seen.push(value.title); });
	const update = bugs.update(1, (draft) => { draft.title = 'ONE'; });

	equal(bugs.get(1).title, 'ONE', 'an update is there at once');
	await settle();
	written[0].resolve({ txid: '77' });
	await settle();
	equal([bugs.get(1).title, update.state], ['ONE', 'persisting'], '... until its event comes');
	server.publish({ id: 1, title: 'One', status: 'open' }, { tx: '77' });
	await update.isPersisted.promise;
	equal(bugs.get(1).title, 'One', '... and then it is what the database made of it');
	equal(seen, ['ONE', 'One'], '... without anything in between');

	const early = bugs.update(1, (draft) => { draft.title = 'later'; });

	await settle();
	server.publish({ id: 1, title: 'Later', status: 'open' }, { tx: '78' });
	written[1].resolve({ txid: 78n });
	await early.isPersisted.promise;
	equal(bugs.get(1).title, 'Later', 'an event ahead of the answer');

	const bad = bugs.update(1, (draft) => { draft.title = 'no'; });

	await settle();
	written[2].reject(new Error('refused'));
	await bad.isPersisted.promise.catch(() => {});
	equal([bad.state, bugs.get(1).title], ['failed', 'Later'], 'what fails is taken back');

	const silent = bugs.update(1, (draft) => { draft.title = 'silent'; });

	await settle();
	written[3].resolve({ txid: '99' });
	const error = await silent.isPersisted.promise.catch((caught) => caught);

	equal([error.message, bugs.get(1).title], ['bugevents: no event of transaction 99 came within 200 ms', 'Later'], 'a transaction of which nothing comes');
	await bugs.insert({ id: 5, title: 'five', status: 'open' }).isPersisted.promise;
	equal(titles(bugs), ['Later', 'five', 'three', 'two'], 'an insert');
	connection.close();
}

async function test_cleanup() {
	const { server, connection } = stage();
	const bugs = bugsOf(connection);

	await bugs.preload();
	await bugs.cleanup();
	server.publish({ id: 6, title: 'six', status: 'open' });
	equal(bugs.status, 'cleaned-up', 'cleaned up');
	await bugs.preload();
	equal([titles(bugs), server.states], [['one', 'six', 'three', 'two'], 2], 'and used again: read again');
	connection.close();
}

async function test_refused() {
	const { connection } = stage({ refused: true });

	connection.on('error', () => {});
	const bugs = bugsOf(connection);
	const error = await bugs.preload().catch((caught) => caught);

	equal(error?.code, 'invalid_field', 'a filter that is refused is told');
	connection.close();
}

for (const test of [test_rows, test_gap, test_mutations, test_cleanup, test_refused]) {
	try {
		await test();
	} catch (error) {
		equal(String(error.stack), null, test.name);
	}
}
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);

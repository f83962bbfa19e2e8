/* An application of the published package, as TypeScript has it; it is checked, not run. */
import { BugeventsError, Connection, connect, passes } from 'bugevents';
import type { BugEvent, EventOf, Filter, Position, Session, State } from 'bugevents';

interface Bug {
	id: number;
	title: string;
}

declare module 'bugevents' {
	interface Payloads {
		build: { finished: { ok: boolean } };
	}
}

const event: EventOf<'comment.created'> | null = null;
const filter: Filter = { types: ['bug_report'], project_ids: [1, '2'], conflate: true };
const position: Position = { stream: '11111111-2222-3333-4444-555555555555', seq: 7 };
const connection: Connection = connect({
	url: 'wss://tracker.example.org:8432/ws', getToken: async (reason) => `${reason} token`, position, filter, attempts: Infinity
});
const end: () => void = connection.on('bug_report.created', (event: BugEvent) => console.log(event.seq, event.tx.of, event.actor, event.payload.title));

connection.on('bug_report.updated', (event) => {
	const status: string = event.payload.status;
	const action: 'updated' = event.action;

	console.log(status.length, action, event.changes?.status?.[0].length);
});
connection.on('bug_report', (event) => {
	if (event.action === 'truncated' || event.action === 'reload')
		console.log(event.payload.table.length);
	else if (event.action === 'moved_out')
		console.log(event.payload.id);
	else
		console.log(event.payload.title.length, event.payload.assignee_id ?? 'nobody', event.payload.columns_of_ones_own);
});
connection.on('notification.comment_added', ({ payload }) => console.log(payload.message.length, payload.read === false));
connection.on('alert.raised', ({ payload }) => console.log(payload.value - payload.threshold));
connection.on('build.finished', ({ payload }) => console.log(payload.ok === true));
connection.on('of_send.done', (event) => console.log(event.payload.anything));
connection.on('state', (state: State) => console.log(state === 'waiting'));
connection.on('ready', (session: Session) => console.log(session.unread, session.limits.message_rate));
connection.on('resync', ({ oldest, seq }) => console.log(oldest + seq));
connection.on('close', (error) => console.log(error instanceof BugeventsError && error.code));
end();
for await (const event of connection)
	console.log(passes(filter, event), event.changes?.title?.[1]);
for await (const { row, asOf } of connection.list<Bug>('bug_report', { project_id: 1, status: 'open' }))
	console.log(row.title.length, asOf + 1);
await connection.subscribe({});
await connection.request('watch', { bug_report_id: 1 });
console.log((await connection.get<Bug>('bug_report', 7)).row.title, connection.state, connection.position?.seq, connection.session?.role);
connection.close();

console.log((await connection.get('bug_report', 9007199254740993n)).row.status.length, event);
for await (const { row } of connection.list('comment', { bug_report_id: '9007199254740993' }))
	console.log(row.content.length);
connection.open();
connect({ url: '/ws', token: 'T', open: false, shared: true }).on('stream', ({ stream, seq }) => console.log(stream.length + seq));
connection.on('state', (state) => console.log(state === 'offline'));

// @ts-expect-error A field that there isn't is of no known type.
connection.on('bug_report.updated', (event) => console.log(event.payload.stauts.length));
// @ts-expect-error A number is no string.
connection.on('comment.created', (event) => console.log(event.payload.content * 2));
// @ts-expect-error A table is no row.
connection.on('bug_report', (event) => console.log(event.payload.title.length));
// @ts-expect-error An url is needed.
connect({ token: 'T' });
// @ts-expect-error A state that there isn't.
console.log(connection.state === 'sleeping');

const bugs = connection.collection('bug_report', { where: { status: ['open', null], project_id: 7 }, any: [{ where: { assignee_id: 1 } }] });
const stop: () => void = bugs.on('change', (changes, event) => changes.forEach(({ id, row, before }) =>
	console.log(id, row?.title.length, before?.status.length, event?.tx.id)));
await bugs.ready;
console.log([...bugs.rows.values()].map(({ title }) => title.length), stop);
bugs.close();
const unfollow: () => void = connection.follow({ types: ['comment'], where: { user_id: [7] } }, (event) => console.log(event.seq));
unfollow();
// @ts-expect-error A collection has all actions.
connection.collection('bug_report', { actions: ['created'] });

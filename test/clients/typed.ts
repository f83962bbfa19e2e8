/* An application of the published package, as TypeScript has it; it is checked, not run. */
import { BugeventsError, Connection, connect, passes } from 'bugevents';
import type { BugEvent, Filter, Position, Session, State } from 'bugevents';

interface Bug {
	id: number;
	title: string;
}

const filter: Filter = { types: ['bug_report'], project_ids: [1, '2'], conflate: true };
const position: Position = { stream: '11111111-2222-3333-4444-555555555555', seq: 7 };
const connection: Connection = connect({
	url: 'wss://tracker.example.org:8432/ws', getToken: async (reason) => `${reason} token`, position, filter, attempts: Infinity
});
const end: () => void = connection.on('bug_report.created', (event: BugEvent) => console.log(event.seq, event.tx.of, event.actor, event.payload.title));

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

// @ts-expect-error An url is needed.
connect({ token: 'T' });
// @ts-expect-error A state that there isn't.
console.log(connection.state === 'sleeping');

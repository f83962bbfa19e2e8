/* An application of the hooks and of TanStack DB, as TypeScript has it; it is checked, not run. */
import { createCollection } from '@tanstack/db';
import { connect } from 'bugevents';
import { BugeventsProvider, useCollection, useConnection, useEvents } from 'bugevents/react';
import { bugeventsCollectionOptions } from 'bugevents-tanstack-db';
import { createElement } from 'react';

const connection = connect({ url: '/ws', token: 'T', open: false });

export function Bugs() {
	const { rows, byId, ready, error, seen } = useCollection('bug_report', { where: { status: ['open', null] }, suspense: true });
	const own = useCollection<{ ok: boolean }>('build');
	const state: string = useConnection().state;

	useEvents('bug_report.updated', (event) => console.log(event.payload.status.length, seen(event.tx.id)));
	useEvents({ types: ['comment'] }, (event) => console.log(event.payload.content));
	// @ts-expect-error A field that there isn't.
	console.log(rows.map(({ stauts }) => stauts.length));
	return rows.map(({ title }) => title.length + Number(own.rows[0]?.ok)).concat(byId.size, Number(ready), state.length, error?.message.length ?? 0).join();
}
console.log(createElement(BugeventsProvider, { connection }, createElement(Bugs)));

const bugs = createCollection(bugeventsCollectionOptions({
	connection, type: 'bug_report', where: { status: 'open' }, onUpdate: async ({ transaction }) => ({ txid: String(transaction.mutations[0].changes.title?.length) })
}));

console.log(bugs.get(7)?.title.length, await bugs.utils.awaitTxId(7n));
// @ts-expect-error A connection is needed.
bugeventsCollectionOptions({ type: 'bug_report' });

// board.jsx - a board of bugs: live, and optimistic.  Who moves a bug sees it at once, everybody else when it is committed.
import { Suspense, useState } from 'react';
import { connect } from 'bugevents';
import { BugeventsProvider, useCollection, useConnection } from 'bugevents/react';

const STATUSES = ['open', 'closed'];

/* What was asked for is shown until the event of its own transaction is there, or it failed. */
function useOptimistic(seen, save) {
	const [pending, setPending] = useState([]);

	async function change(id, patch) {
		const one = { id, patch };

		setPending((all) => [...all, one]);
		try {
			await seen(await save(id, patch));
		} finally {
			setPending((all) => all.filter((other) => other !== one));
		}
	}
	return [(row) => Object.assign({}, row, ...pending.filter(({ id }) => id === row.id).map(({ patch }) => patch)), change];
}

function Columns({ project, save }) {
	const { rows, seen } = useCollection('bug_report', { project_ids: [project], suspense: true });
	const [shown, change] = useOptimistic(seen, save);
	const bugs = rows.map(shown);

	return STATUSES.map((status, i) => (
		<section key={status} aria-label={status}>
			<h2>{status}</h2>
			<ul>{bugs.filter((bug) => bug.status === status).map((bug) => (
				<li key={bug.id}>
					{bug.title}
					<button onClick={() => change(bug.id, { status: STATUSES[1 - i] }).catch(alert)}>{STATUSES[1 - i]}</button>
				</li>
			))}</ul>
		</section>
	));
}

function State() {
	return <p role="status">{useConnection().state}</p>;
}

/* save(id, patch) is your backend's: it says the transaction in which it wrote, SELECT pg_current_xact_id(). */
export function Board({ connection, project, save }) {
	return (
		<BugeventsProvider connection={connection}>
			<State />
			<Suspense fallback={<p>...</p>}><Columns project={project} save={save} /></Suspense>
		</BugeventsProvider>
	);
}

/* Made once, outside of the components. */
export const connectBoard = (url, getToken) => connect({ url, getToken, shared: true, open: false });

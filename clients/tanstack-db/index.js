/*
 * bugevents-tanstack-db - TanStack DB collections whose rows are a bugevents collection.
 *
 * Model: one run of a collection's sync is one bugevents collection.  Each event is a sync transaction of its own, and so is each
 * time that rows were read.  A mutation is over when the event of the transaction that wrote it is there: until then its optimistic
 * state holds, and with it that event's rows are kept back, so nothing flickers.
 */

/* What a handler gave, as ids of transactions. */
function transactionsOf(given) {
	const txid = given !== null && typeof given === 'object' && !Array.isArray(given) ? given.txid : given;

	return txid === undefined || txid === null ? [] : [txid].flat();
}

/** Options for createCollection(): those of TanStack DB, and connection, type, where, any, project_ids, bug_report_ids.  The handlers
    onInsert, onUpdate and onDelete return the transaction in which they wrote, { txid } or several. */
export function bugeventsCollectionOptions({
	connection, type, where, any, project_ids, bug_report_ids, seenTimeout = 10000, onInsert, onUpdate, onDelete, ...options
}) {
	let rows = null;

	async function awaitTxId(txid, ms = seenTimeout) {
		if (!await rows?.seen(txid, ms))
			throw new Error(`bugevents: no event of transaction ${txid} came within ${ms} ms`);
		return true;
	}

	function awaited(handler) {
		return handler && (async (params) => {
			const given = await handler(params);

			await Promise.all(transactionsOf(given).map((txid) => awaitTxId(txid)));
			return given;
		});
	}

	function sync({ begin, write, commit, markReady, markError }) {
		const collection = connection.collection(type, { where, any, project_ids, bug_report_ids });

		rows = collection;
		collection.on('change', (changes) => {
			begin();
			for (const { id, row, before } of changes)
				write(row ? { type: before ? 'update' : 'insert', value: row } : { type: 'delete', key: id });
			commit();
		});
		collection.ready.then(markReady, markError);
		return () => collection.close();
	}

	return {
		getKey: (row) => row.id,
		...options,
		sync: { sync, rowUpdateMode: 'full' },
		onInsert: awaited(onInsert),
		onUpdate: awaited(onUpdate),
		onDelete: awaited(onDelete),
		utils: { ...options.utils, awaitTxId }
	};
}

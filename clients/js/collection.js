/*
 * collection.js - the rows of a type that pass a filter, kept current.
 *
 * Model: a feed of its connection (bugevents.js).  The server gives the rows as of one place in the stream, and every event
 * behind it; so what it has is what a SELECT at that place had.  It reads them anew where events don't tell what became
 * of them: where there is a gap, when a table was truncated or reloaded or has other columns, when the user's own rights changed.  Until the
 * new rows are complete it has those from before, kept current as far as events come.
 */
import { OF_ALL_ROWS, alternatives, passes } from './filter.js';

const OUT_OF_SIGHT = new Set(['deleted', 'moved_out']);

/* In ms; transactions. */
const SEEN_TIMEOUT = 10000;
const MOST_SEEN = 1000;

const keyOf = (row) => row.id ?? `${row.user_id} ${row.project_id ?? row.principal}`;

export class Collection {
	#filter;
	#connection;
	#listeners = new Set();
	#loaded = false;
	#asOf = 0;				/* what the rows have already */
	#reading = null;		/* the rows that are coming, and the events behind them: { rows, events } */
	#transactions = new Map();	/* the last ones that were heard of, and those that are waited for: null, or what to call */
	#settle;
	#place;
	#feed = {
		stale: true,
		of: [],
		filters: (session) => this.#filters(session),
		gap: () => { this.#feed.stale = true; },
		begin: () => { this.#reading = null; },
		rows: (payload, asOf) => this.#read(payload, asOf),
		take: (event) => this.#take(event),
		fail: (error) => this.#settle[1](error)
	};

	/** By the rows' ids; it stays the same Map. */
	rows = new Map();
	/** When they are there for the first time; rejected when they can't be had. */
	ready = new Promise((...settle) => { this.#settle = settle; });

	constructor(connection, type, filter = {}) {
		this.#connection = connection;
		this.#filter = { ...filter, types: [type] };
		this.#feed.of.push(type);
		this.ready.catch(() => {});		/* the connection tells of it as well */
		this.#place = connection.join(this.#feed);
	}

	/** 'change': listener([{ id, row, before }], event), with row undefined when it is gone, and without an event when all rows
	    were read.  Returns a function that ends it. */
	on(name, listener) {
		if (name !== 'change')
			throw new TypeError('bugevents: a collection tells "change" only');
		const entry = { listener };

		this.#listeners.add(entry);
		return () => this.#listeners.delete(entry);
	}

	/** Wait for an event of a transaction (its tx.id, pg_current_xact_id() in the database), which may have come already: true;
	    false when none came in so many ms. */
	seen(tx, ms = SEEN_TIMEOUT) {
		const id = String(tx);

		if (this.#transactions.get(id) === null)
			return Promise.resolve(true);
		return new Promise((resolve) => {
			const waiting = [...this.#transactions.get(id) ?? [], resolve];

			this.#transactions.set(id, waiting);
			setTimeout(() => {
				resolve(false);
				if (this.#transactions.get(id))
					this.#transactions.delete(id);
			}, ms);
		});
	}

	#see(id) {
		for (const resolve of this.#transactions.get(id) ?? [])
			resolve(true);
		this.#transactions.set(id, null);
		for (const [old, waiting] of this.#transactions) {
			if (this.#transactions.size <= MOST_SEEN)
				break;
			if (waiting === null)
				this.#transactions.delete(old);
		}
	}

	/** The connection goes on. */
	close() {
		this.#place.leave();
		this.#listeners.clear();
		this.#settle[1](new Error('the collection was closed'));
	}

	/* And what changes what the user may see. */
	#filters({ user_id: user }) {
		return [...alternatives(this.#filter),
			{ types: ['membership'], where: { user_id: [user] } }, { types: ['user'], where: { id: [user] } }];
	}

	#isOfRights({ type, payload, changes }) {
		const user = this.#connection.session.user_id;

		return (type === 'membership' && String(payload.user_id) === user) ||
			(type === 'user' && String(payload.id) === user && changes?.role !== undefined);
	}

	#take(event) {
		const isOfAll = OF_ALL_ROWS.has(event.action);
		const [type] = this.#filter.types;
		const isOurs = event.type === type;
		const isOfColumns = event.type === 'schema' && event.payload.type === type;

		if (this.#isOfRights(event) || isOfColumns || (isOurs && isOfAll)) {
			this.#feed.stale = true;
			this.#place.refresh();
		}
		if (isOurs && !isOfAll && event.seq > this.#asOf) {
			this.#reading?.events.push(event);
			if (this.#loaded)
				this.#tell([this.#apply(event, this.rows)].filter(Boolean), event);
		}
		if (event.tx)
			this.#see(event.tx.id);
	}

	/* What became of its row. */
	#apply({ type, action, payload }, rows) {
		const id = keyOf(payload);
		const before = rows.get(id);

		if (!OUT_OF_SIGHT.has(action) && passes(this.#filter, { type, payload })) {
			rows.set(id, payload);
			return { id, row: payload, before };
		}
		return rows.delete(id) ? { id, row: undefined, before } : null;
	}

	#read({ type, items, first, last }, asOf) {
		if (first || !this.#reading)
			this.#reading = { rows: new Map(), events: [] };
		const { rows, events } = this.#reading;

		for (const payload of type === this.#filter.types[0] ? items : [])
			this.#apply({ type, payload }, rows);
		if (!last)
			return;
		for (const event of events)
			if (event.seq > asOf)
				this.#apply(event, rows);
		this.#reading = null;
		this.#feed.stale = false;
		this.#asOf = asOf;
		this.#replace(rows);
	}

	#replace(rows) {
		const changes = [];

		for (const [id, before] of this.rows)
			if (!rows.has(id))
				changes.push({ id, row: undefined, before });
		for (const [id, row] of rows)
			if (JSON.stringify(row) !== JSON.stringify(this.rows.get(id)))
				changes.push({ id, row, before: this.rows.get(id) });
		this.rows.clear();
		for (const [id, row] of rows)
			this.rows.set(id, row);
		this.#loaded = true;
		this.#settle[0]();
		this.#tell(changes);
	}

	#tell(changes, event) {
		for (const { listener } of changes.length > 0 ? [...this.#listeners] : []) {
			try {
				listener(changes, event);
			} catch (error) {
				queueMicrotask(() => { throw error; });
			}
		}
	}
}

/*
 * react.js - hooks for React 18 and later: import { ... } from 'bugevents/react'.
 *
 * Model: a collection belongs to the connection, not to a component: all that ask for the same rows share one, which lives as
 * long as one of them is mounted, and a little longer.  So what React does with components (StrictMode mounts them twice,
 * Suspense forgets those that wait) doesn't read rows again.
 */
import { createContext, createElement, useContext, useEffect, useRef, useSyncExternalStore } from 'react';

/* For so long nobody needs to want a collection.  In ms. */
const LINGER = 5000;

const Context = createContext(null);
const shelves = new WeakMap();		/* by connection, the collections by what they are of */

/** Gives its children a connection, that was made with open: false; it is open as long as this is mounted. */
export function BugeventsProvider({ connection, children }) {
	useEffect(() => {
		connection.open();
		return () => connection.close();
	}, [connection]);
	return createElement(Context.Provider, { value: connection }, children);
}

function useContextConnection() {
	const connection = useContext(Context);

	if (!connection)
		throw new Error('bugevents: there is no <BugeventsProvider> around this component');
	return connection;
}

/** The connection, and what it is doing: { connection, state }. */
export function useConnection() {
	const connection = useContextConnection();
	const state = useSyncExternalStore((changed) => connection.on('state', changed), () => connection.state, () => 'closed');

	return { connection, state };
}

/** Call listener for events: a filter, or 'type' or 'type.action'.  The listener may be another one at each rendering. */
export function useEvents(filter, listener) {
	const connection = useContextConnection();
	const latest = useRef(listener);
	const key = JSON.stringify(typeof filter === 'string' ? named(filter) : filter);

	useEffect(() => {
		latest.current = listener;
	});
	useEffect(() => connection.follow(JSON.parse(key), (event) => latest.current(event)), [connection, key]);
}

function named(name) {
	const [type, action] = name.split('.');

	return action ? { types: [type], actions: [action] } : { types: [type] };
}

const LOADING = Object.freeze({ rows: Object.freeze([]), byId: new Map(), ready: false, error: null, seen: async () => false });

/* A collection, and what components show of it. */
class Shelved {
	#users = new Set();
	#timer = null;

	constructor(connection, type, filter, forget) {
		this.forget = forget;
		this.collection = connection.collection(type, filter);
		this.snapshot = { ...LOADING, seen: (...args) => this.collection.seen(...args) };
		this.collection.on('change', () => this.#show());
		this.ready = this.collection.ready.then(() => this.#show(), (error) => {
			this.#show({ error });
			this.#forget();
		});
		this.#linger();
	}

	subscribe = (changed) => {
		clearTimeout(this.#timer);
		this.#users.add(changed);
		return () => {
			this.#users.delete(changed);
			if (this.#users.size === 0)
				this.#linger();
		};
	};

	#show(more = {}) {
		const { rows } = this.collection;

		this.snapshot = { ...this.snapshot, rows: [...rows.values()], byId: rows, ready: true, ...more };
		for (const changed of this.#users)
			changed();
	}

	#linger() {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#forget(), LINGER);
		this.#timer.unref?.();
	}

	#forget() {
		this.forget();
		this.collection.close();
	}
}

function shelvedOf(connection, type, key) {
	if (!shelves.has(connection))
		shelves.set(connection, new Map());
	const shelf = shelves.get(connection);
	const name = `${type} ${key}`;

	if (!shelf.has(name))
		shelf.set(name, new Shelved(connection, type, JSON.parse(key), () => shelf.delete(name)));
	return shelf.get(name);
}

const isServer = typeof document === 'undefined';

/** The rows of a type that pass a filter, kept current: { rows, byId, ready, error }.  With suspense the component
    waits for them, and throws what makes them impossible. */
export function useCollection(type, { suspense = false, ...filter } = {}) {
	const connection = useContextConnection();
	const key = JSON.stringify(filter, (_, value) => typeof value === 'bigint' ? String(value) : value);
	const shelved = isServer ? null : shelvedOf(connection, type, key);
	const snapshot = useSyncExternalStore(shelved?.subscribe ?? (() => () => {}), () => shelved?.snapshot ?? LOADING, () => LOADING);

	if (suspense && !isServer && snapshot.error)
		throw snapshot.error;
	if (suspense && !isServer && !snapshot.ready)
		throw shelved.ready;
	return snapshot;
}

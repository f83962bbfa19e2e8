import type { FunctionComponent, ReactNode } from 'react';

import type { BugEvent, CollectionFilter, Connection, EventName, EventOf, Filter, Id, Payloads, Rows, State } from 'bugevents';

/** Gives its children a connection, that was made with open: false; it is open as long as this is mounted. */
export const BugeventsProvider: FunctionComponent<{ connection: Connection; children?: ReactNode }>;

/** The connection, and what it is doing. */
export function useConnection(): { connection: Connection; state: State };

/** Call listener for events: a filter, or 'type' or 'type.action'.  The listener may be another one at each rendering. */
export function useEvents<Name extends EventName | keyof Payloads & string>(name: Name, listener: (event: EventOf<Name>) => void): void;
export function useEvents(filter: Filter | string, listener: (event: BugEvent) => void): void;

/** What a component shows of a collection. */
export interface Shown<Payload> {
	/** Another array when something changed. */
	rows: readonly Payload[];
	/** The collection's own Map. */
	byId: ReadonlyMap<Id, Payload>;
	/** They have been there for once. */
	ready: boolean;
	/** Wait for an event of a transaction: see Collection. */
	seen(tx: string | number | bigint, ms?: number): Promise<boolean>;
	/** Why they can't be had. */
	error: Error | null;
}

export interface UseCollectionOptions extends CollectionFilter {
	/** Wait for the rows by Suspense, and throw what makes them impossible. */
	suspense?: boolean;
}

/** The rows of a type that pass a filter, kept current.  Components that ask for the same share them. */
export function useCollection<T extends keyof Rows>(type: T, options?: UseCollectionOptions): Shown<Rows[T]>;
export function useCollection<Payload = Record<string, unknown>>(type: string, options?: UseCollectionOptions): Shown<Payload>;

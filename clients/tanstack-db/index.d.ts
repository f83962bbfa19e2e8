import type { CollectionConfig, DeleteMutationFn, InsertMutationFn, UpdateMutationFn, UtilsRecord } from '@tanstack/db';
import type { CollectionFilter, Connection, Rows } from 'bugevents';

export type TxId = string | number | bigint;

export interface BugeventsUtils extends UtilsRecord {
	/** Until an event of that transaction has come; rejected when none does in so many ms. */
	awaitTxId(txid: TxId, ms?: number): Promise<true>;
}

type Key = string | number;

export interface BugeventsCollectionConfig<Row extends object> extends CollectionFilter {
	connection: Connection;
	type: string;
	/** For so long a mutation waits for its event (10000 ms). */
	seenTimeout?: number;
	id?: string;
	getKey?: (row: Row) => Key;
	startSync?: boolean;
	gcTime?: number;
	/** They return the transaction in which they wrote, or several: { txid }. */
	onInsert?: InsertMutationFn<Row, Key, BugeventsUtils>;
	onUpdate?: UpdateMutationFn<Row, Key, BugeventsUtils>;
	onDelete?: DeleteMutationFn<Row, Key, BugeventsUtils>;
}

/** Options for createCollection(). */
export function bugeventsCollectionOptions<T extends keyof Rows>(config: BugeventsCollectionConfig<Rows[T]> & { type: T }):
	CollectionConfig<Rows[T], Key, never, BugeventsUtils> & { utils: BugeventsUtils };
export function bugeventsCollectionOptions<Row extends object>(config: BugeventsCollectionConfig<Row>):
	CollectionConfig<Row, Key, never, BugeventsUtils> & { utils: BugeventsUtils };

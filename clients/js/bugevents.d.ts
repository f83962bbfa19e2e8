/** Where in which stream: to be kept, and given to connect() later. */
export interface Position {
	stream: string;
	seq: number;
}

export interface Filter {
	types?: string[];
	actions?: string[];
	project_ids?: (number | string)[];
	bug_report_ids?: (number | string)[];
	/** When this client can't keep up: of each row only the last state. */
	conflate?: boolean;
}

export interface BugEvent<Payload = Record<string, unknown>> {
	type: string;
	action: string;
	seq: number;
	tx: { id: string; n: number; of: number };
	at: string;
	/** The id of the user who did it, where the database was told. */
	actor?: string;
	payload: Payload;
	/** Of updates: the old and the new value of each changed field. */
	changes?: Record<string, [unknown, unknown]>;
}

export interface Session {
	connection_id: string;
	user_id: string;
	role: string;
	stream: string;
	seq: number;
	resumed: boolean;
	expires_at: string;
	ping_interval: number;
	/** Notifications that are not read; missing where the database could not be asked. */
	unread?: number;
	limits: { max_message_size: number; message_rate: number; max_connections_per_user: number };
}

export type State = 'connecting' | 'open' | 'waiting' | 'closed';

export interface Options {
	/** ws://host:8432/ws; http and https are taken as ws and wss. */
	url: string;
	/** A token; or getToken, which is asked for one at each attempt and ahead of expiry. */
	token?: string;
	getToken?: (reason: 'connect' | 'renew') => string | Promise<string>;
	/** Resume there. */
	position?: Position;
	filter?: Filter;
	/** Attempts in a row before it gives up (5); Infinity: never. */
	attempts?: number;
	/** The longest first wait, ms (2000); it doubles with each attempt, up to maxDelay (60000). */
	firstDelay?: number;
	maxDelay?: number;
	/** The WebSocket class, where it isn't global: that of "ws" in node. */
	WebSocket?: unknown;
	/** For tests: a clock and chance of their own. */
	timers?: {
		setTimeout?: (callback: () => void, ms: number) => unknown;
		clearTimeout?: (timer: unknown) => void;
		random?: () => number;
	};
}

export class BugeventsError extends Error {
	/** An error code of the protocol, or 'disconnected' or 'timeout'. */
	readonly code: string;
	readonly payload: Record<string, unknown>;
	constructor(code: string, message?: string, payload?: Record<string, unknown>);
}

export interface Row<Payload = Record<string, unknown>> {
	row: Payload;
	/** The row has every change up to this seq: apply the events behind it. */
	asOf: number;
}

export class Connection implements AsyncIterable<BugEvent> {
	readonly state: State;
	readonly position: Position | null;
	readonly session: Session | null;
	constructor(options: Options);
	on(name: 'state', listener: (state: State) => void): () => void;
	on(name: 'ready', listener: (session: Session) => void): () => void;
	on(name: 'resync', listener: (gap: { oldest: number; seq: number }) => void): () => void;
	on(name: 'error', listener: (error: Error) => void): () => void;
	on(name: 'close', listener: (error: BugeventsError | null) => void): () => void;
	on(name: 'event', listener: (event: BugEvent) => void): () => void;
	/** A type ('comment'), or a type and an action ('comment.created'). */
	on(name: string, listener: (event: BugEvent) => void): () => void;
	off(name: string, listener: (...values: never[]) => void): void;
	subscribe(filter?: Filter): Promise<void>;
	request(type: string, payload?: Record<string, unknown>): Promise<Record<string, unknown>>;
	get<Payload = Record<string, unknown>>(type: string, id: number | string): Promise<Row<Payload>>;
	list<Payload = Record<string, unknown>>(type: string, options?: {
		project_id?: number | string;
		bug_report_id?: number | string;
		status?: string;
		limit?: number;
	}): AsyncGenerator<Row<Payload>>;
	[Symbol.asyncIterator](): AsyncIterator<BugEvent>;
	close(): void;
}

export function connect(options: Options): Connection;

/** Does an event pass a filter?  The server's rule. */
export function passes(filter: Filter | null | undefined, event: Pick<BugEvent, 'type' | 'action' | 'payload'>): boolean;

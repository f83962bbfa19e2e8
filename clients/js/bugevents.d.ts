/** Where in which stream: to be kept, and given to connect() later. */
export interface Position {
	stream: string;
	seq: number;
}

export interface Filter {
	types?: string[];
	actions?: string[];
	project_ids?: (number | string | bigint)[];
	bug_report_ids?: (number | string | bigint)[];
	/** Fields of the payload, and what they may be: a value or one of several.  7 and "7" are the same. */
	where?: Where;
	/** One of these has to hold as well. */
	any?: Omit<Filter, 'any' | 'conflate'>[];
	/** When this client can't keep up: of each row only the last state. */
	conflate?: boolean;
}

export type Scalar = number | string | bigint | boolean | null;
export type Where = { [field: string]: Scalar | Scalar[] };

/* ---- rows, and what events have of them ---- */

/** A number; a string where the column has strings, or where a number is beyond 2^53. */
export type Id = number | string;

/** What an attachment adds with "extra"; and the fields whose values were cut. */
export interface Extra {
	truncated?: string[];
	[field: string]: unknown;
}

export interface BugReport extends Extra {
	id: Id;
	title: string;
	description: string | null;
	status: string;
	priority: string | number | null;
	creator_id?: Id | null;
	assignee_id: Id | null;
	project_id: Id | null;
	created_at: string;
	updated_at: string;
}

export interface Comment extends Extra {
	id: Id;
	bug_report_id: Id;
	project_id?: Id | null;
	user_id: Id | null;
	content: string;
	edited?: boolean;
	created_at: string;
	updated_at: string;
}

export interface Project extends Extra {
	id: Id;
	name: string;
	description: string | null;
	created_at: string;
	updated_at: string;
}

/** Others than admins may find that fields are missing: those that the attachment keeps for admins. */
export interface User extends Extra {
	id: Id;
	username: string;
	email?: string | null;
	phone?: string | null;
	role: string;
	status: string;
	created_at: string;
	updated_at: string;
}

export interface Membership extends Extra {
	id?: Id;
	user_id: Id;
	/** One of both is there: a project, or what the user belongs to, such as group:qa. */
	project_id?: Id;
	principal?: string | null;
}

export interface Notification {
	id: Id;
	type: 'bug_assigned' | 'bug_created' | 'comment_added' | 'mentioned' | 'status_changed' | 'priority_changed' | 'reminder_sent' | 'welcome';
	user_id: Id;
	bug_report_id: Id | null;
	comment_id: Id | null;
	title: string | null;
	message: string;
	status: string | null;
	/** Of how many events this tells. */
	count: number;
	read: boolean;
	created_at: string;
	project_id: Id | null;
	/** The id of the user who did it last. */
	actor: string | null;
	/** Why this user is told: assignee, creator, mentioned, watcher, project_watcher, reminder. */
	reason: string | null;
	/** The bug's page. */
	url: string | null;
	/** Fields that changed: the first old value and the last new one. */
	changes: Record<string, [unknown, unknown]> | null;
	updated_at: string;
	[field: string]: unknown;
}

export interface Reminder {
	id: Id;
	bug_report_id: Id;
	user_id: Id | null;
	due_at: string;
	every: string | null;
	created_at: string;
	/** It was made for the bug's due_at, and follows it. */
	of_due_date: boolean;
	[field: string]: unknown;
}

export interface Watch {
	/** One of both is there. */
	bug_report_id?: Id;
	project_id?: Id;
	user_id: Id;
	[field: string]: unknown;
}

export interface Alert {
	name: string;
	value: number;
	threshold: number;
	/** Seconds that the value is about. */
	window: number;
	[field: string]: unknown;
}

/** What became of a row in one transaction. */
export interface HistoryEntry {
	entity: string;
	id: Id;
	/** Of the event that told of it. */
	seq: number;
	at: string;
	/** The id of the user who did it; null: not known. */
	actor: string | null;
	action: 'created' | 'updated' | 'deleted';
	/** Old and new value of each field that changed; null where the row came or went. */
	changes: Record<string, [unknown, unknown]> | null;
}

/** What payloads of a type have from here on. */
export interface Schema {
	/** Of the rows. */
	type: string;
	table: string;
	/** All fields with their types; null where an expression gives the value. */
	fields: Record<string, string | null>;
	added?: string[];
	dropped?: string[];
	retyped?: string[];
	/** Fields whose column has another name now, which is the value here. */
	renamed?: Record<string, string>;
	[field: string]: unknown;
}

/** What concerns all rows of a table. */
export interface Table {
	table: string;
	[field: string]: unknown;
}

/** The rows that get() and list() read. */
export interface Rows {
	bug_report: BugReport;
	comment: Comment;
	project: Project;
	user: User;
	membership: Membership;
	notification: Notification;
	history: HistoryEntry;
}

type RowActions<Row, Key = { id: Id; [field: string]: unknown }> = {
	created: Row;
	updated: Row;
	deleted: Row;
	/** It went out of the user's sight. */
	moved_out: Key;
	truncated: Table;
	/** Too much changed to be told row by row: read the type anew. */
	reload: Table;
};

/** The payload of each type and action.  Yours are added by
    declare module 'bugevents' { interface Payloads { build: { finished: { ok: boolean } } } } */
export interface Payloads {
	bug_report: RowActions<BugReport> & { status_changed: BugReport; assigned: BugReport; unassigned: BugReport };
	comment: RowActions<Comment>;
	project: RowActions<Project>;
	user: RowActions<User> & { status_changed: User; attached: Table; detached: Table };
	membership: RowActions<Membership, { id?: Id; user_id?: Id | null; project_id?: Id | null; [field: string]: unknown }> & { attached: Table; detached: Table };
	notification: { [Action in Notification['type'] | 'read' | 'deleted']: Notification };
	reminder: { created: Reminder; updated: Reminder; deleted: Reminder };
	watch: { created: Watch; deleted: Watch; muted: Watch; unmuted: Watch };
	alert: { raised: Alert; cleared: Alert };
	schema: { changed: Schema };
}

type Type = keyof Payloads & string;
type ActionOf<T extends Type> = keyof Payloads[T] & string;

/** 'bug_report.updated' and the like. */
export type EventName = { [T in Type]: `${T}.${ActionOf<T>}` }[Type];

/** The event of a name: EventOf<'bug_report.updated'>, or EventOf<'bug_report'> for all its actions. */
export type EventOf<Name extends EventName | Type> =
	Name extends Type ? { [A in ActionOf<Name>]: BugEvent<Payloads[Name][A], Name, A> }[ActionOf<Name>] :
	Name extends `${infer T extends Type}.${infer A}` ? A extends ActionOf<T> ? BugEvent<Payloads[T][A], T, A> : never : never;

export interface BugEvent<Payload = Record<string, unknown>, Type = string, Action = string> {
	type: Type;
	action: Action;
	seq: number;
	tx: { id: string; n: number; of: number };
	at: string;
	/** The id of the user who did it, where the database was told. */
	actor?: string;
	/** A row that was there before, told again by bugevents.replay(): nothing happened to it. */
	replay?: true;
	payload: Payload;
	/** Of updates: the old and the new value of each changed field. */
	changes?: { [Field in keyof Payload]?: [Payload[Field], Payload[Field]] };
}

/* ---- the connection ---- */

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

/** 'waiting': for the next attempt; 'offline': several were in vain, it goes on once a minute. */
export type State = 'connecting' | 'open' | 'waiting' | 'offline' | 'closed';

export interface Options {
	/** ws://host:8432/ws; http and https are taken as ws and wss. */
	url: string;
	/** A token; or getToken, which is asked for one at each attempt and ahead of expiry.  When it fails it is
	    asked again, unless its error has fatal: true. */
	token?: string;
	getToken?: (reason: 'connect' | 'renew') => string | Promise<string>;
	/** Resume there. */
	position?: Position;
	/** In its place: begin with what was committed at that moment (a Date, ms since 1970, or a text) or later.  Not with shared. */
	since?: Date | number | string;
	filter?: Filter;
	/** The tabs of this browser that connect to the same URL as the same user share one connection. */
	shared?: boolean;
	/** false: not before open() is called. */
	open?: boolean;
	/** Attempts in a row before it says that it is offline (5). */
	attempts?: number;
	/** The longest first wait, ms (2000); it doubles with each attempt, up to maxDelay (60000), which is also
	    the longest wait while offline. */
	firstDelay?: number;
	maxDelay?: number;
	/** The WebSocket class, where it isn't global: that of "ws" in node. */
	WebSocket?: unknown;
	/** For tests: a clock and chance of their own. */
	timers?: {
		setTimeout?: (callback: () => void, ms: number) => unknown;
		clearTimeout?: (timer: unknown) => void;
		/** In ms, from anywhere; it does not go back. */
		now?: () => number;
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

export interface ListOptions {
	project_id?: number | string | bigint;
	bug_report_id?: number | string | bigint;
	status?: string | number;
	/** As for subscribe(). */
	where?: Where;
	any?: Filter['any'];
	/** Of notifications: those only that are not read. */
	unread?: boolean;
	/** Of a history: the row that it is of. */
	entity?: string;
	id?: Id | bigint;
	/** How many rows a page has (1000, which is the most). */
	limit?: number;
}

/** What became of a row. */
export interface Change<Payload = Record<string, unknown>> {
	id: Id;
	/** As it is now; undefined when it is gone. */
	row?: Payload;
	/** As it was; undefined when it was not there. */
	before?: Payload;
}

export type CollectionFilter = Omit<Filter, 'types' | 'actions' | 'conflate'>;

/** The rows of a type that pass a filter, kept current. */
export class Collection<Payload = Record<string, unknown>> {
	/** By the rows' ids; it stays the same Map. */
	readonly rows: Map<Id, Payload>;
	/** When they are there for the first time; rejected when they can't be had. */
	readonly ready: Promise<void>;
	/** Called after each event, with the event; without one when all rows were read.  Returns a function that ends it. */
	on(name: 'change', listener: (changes: Change<Payload>[], event?: BugEvent) => void): () => void;
	/** Wait for an event of a transaction, by its tx.id (pg_current_xact_id() in the database), which may have come
	    already: true; false when none came in so many ms (10000). */
	seen(tx: string | number | bigint, ms?: number): Promise<boolean>;
	/** The connection goes on. */
	close(): void;
}

/** What an adapter wants of the stream, among others: see bugevents.js. */
export interface Feed {
	/** Filters without "any", one of which must hold. */
	filters(session: Session): Filter[];
	/** Each event that comes, for whomever. */
	take(event: BugEvent): void;
	/** It is out: its filters were refused, or the connection ended. */
	fail?(error: Error): void;
	/** Events are missing here. */
	gap?(): void;
	/** It wants rows of these types first: they are going to be asked for, anew. */
	stale?: boolean;
	of?: string[];
	begin?(): void;
	rows?(payload: { type: string; items: Record<string, unknown>[]; first?: boolean; last?: boolean }, asOf: number): void;
}

export class Connection implements AsyncIterable<BugEvent> {
	readonly state: State;
	readonly position: Position | null;
	readonly session: Session | null;
	constructor(options: Options);
	on(name: 'state', listener: (state: State) => void): () => void;
	on(name: 'ready', listener: (session: Session) => void): () => void;
	on(name: 'stream', listener: (position: Position) => void): () => void;
	on(name: 'resync', listener: (gap: { oldest: number; seq: number }) => void): () => void;
	on(name: 'error', listener: (error: Error) => void): () => void;
	on(name: 'close', listener: (error: Error | null) => void): () => void;
	on(name: 'event', listener: (event: BugEvent) => void): () => void;
	/** A type ('comment'), or a type and an action ('comment.created'). */
	on<Name extends EventName | keyof Payloads & string>(name: Name, listener: (event: EventOf<Name>) => void): () => void;
	on(name: string, listener: (event: BugEvent) => void): () => void;
	off(name: string, listener: (...values: never[]) => void): void;
	subscribe(filter?: Filter): Promise<void>;
	/** Call listener for the events that pass a filter, whatever else the connection is for.  Returns a function that ends it. */
	follow(filter: Filter, listener: (event: BugEvent) => void): () => void;
	/** For adapters. */
	join(feed: Feed): { refresh(): void; leave(): void };
	/** The rows of a type, as they are and kept current. */
	collection<T extends keyof Rows>(type: T, filter?: CollectionFilter): Collection<Rows[T]>;
	collection<Payload = Record<string, unknown>>(type: string, filter?: CollectionFilter): Collection<Payload>;
	request(type: string, payload?: Record<string, unknown>): Promise<Record<string, unknown>>;
	/** Wait until everything up to a seq, such as bugevents.last_seq() returned, was handed over: true; false when it didn't
	    come within the server's connection_timeout. */
	wait(seq: number | string | bigint): Promise<boolean>;
	get<T extends keyof Rows>(type: T, id: number | string | bigint): Promise<Row<Rows[T]>>;
	get<Payload = Record<string, unknown>>(type: string, id: number | string | bigint): Promise<Row<Payload>>;
	list<T extends keyof Rows>(type: T, options?: ListOptions): AsyncGenerator<Row<Rows[T]>>;
	list<Payload = Record<string, unknown>>(type: string, options?: ListOptions): AsyncGenerator<Row<Payload>>;
	[Symbol.asyncIterator](): AsyncIterator<BugEvent>;
	/** Open it again after its end, where it was; or for the first time, if it was made with open: false. */
	open(): void;
	close(): void;
}

export function connect(options: Options): Connection;

/** Does an event pass a filter?  The server's rule. */
export function passes(filter: Filter | null | undefined, event: Pick<BugEvent<unknown>, 'type' | 'action' | 'payload'>): boolean;

/** JSON.parse, but whole numbers beyond 2^53 become strings instead of other numbers. */
export function parse(text: string): unknown;

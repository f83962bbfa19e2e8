/*
 * bugevents.js - client for bugevents, for browsers and node.
 *
 * Model: a Connection outlives its sockets.  It knows its position in the stream (the
 * stream's id and the seq of the last event that it handed over), comes back there when
 * a socket ends, and drops what it had already; so the application gets each event
 * once, in order, or is told by "resync" that there is a gap.
 *
 *	connecting --> open --> waiting --> connecting ...      (a socket ended; back-off)
 *	     \----------------> closed                          (close(), or no use to go on)
 *
 * Subscriptions, requests and tokens are the protocol's (docs/protocol.md).  After
 * coming back the subscription is made anew; what arrives before that took effect is
 * filtered here, by the same rule.
 *
 * Failure: an error that trying again can't mend (a bad token, a foreign origin) closes
 * the connection for good.  An error that a listener throws is the application's: it
 * is thrown again outside, and does not disturb the stream.
 */

const SUBPROTOCOL = 'bugevents.v1';

/* What another attempt with the same token would not change. */
const FATAL = new Set(['missing_token', 'invalid_token', 'user_inactive', 'forbidden', 'origin_not_allowed']);

const REQUEST_TIMEOUT = 30000;
const PING_TIMEOUT = 10000;
const TOKEN_TIMEOUT = 30000;

export class BugeventsError extends Error {
	constructor(code, message, payload = {}) {
		super(message || code);
		this.name = 'BugeventsError';
		this.code = code;
		this.payload = payload;
	}
}

/** Connect.  See README.md for the options. */
export function connect(options) {
	return new Connection(options);
}

function socketUrl(base, position) {
	const url = new URL(base, globalThis.location?.href);

	url.protocol = url.protocol.replace(/^http/, 'ws');
	if (url.pathname === '/')
		url.pathname = '/ws';
	if (position) {
		url.searchParams.set('since', String(position.seq));
		url.searchParams.set('stream', position.stream);
	}
	return url.href;
}

function lists(list, value) {
	return !list?.length || (value !== undefined && value !== null && list.some((item) => String(item) === String(value)));
}

/** Does an event pass a subscription's filter?  The server's rule. */
export function passes(filter, event) {
	const payload = event.payload ?? {};

	return !filter || (lists(filter.types, event.type) && lists(filter.actions, event.action) &&
		lists(filter.project_ids, event.type === 'project' ? payload.id : payload.project_id) &&
		lists(filter.bug_report_ids, event.type === 'bug_report' ? payload.id : payload.bug_report_id));
}

export class Connection {
	#options;
	#timers;
	#listeners = new Map();
	#readers = new Set();
	#requests = new Map();
	#socket = null;
	#state = 'waiting';
	#position;
	#session = null;
	#filter = null;
	#filtering = false;		/* the server doesn't know our filter yet */
	#attempt = 0;
	#refusal = null;
	#retry = null;
	#heartbeat = null;
	#lastRequest = 0;
	#online = () => this.#hurry();

	constructor(options) {
		if (!options?.url)
			throw new TypeError('bugevents: an url is needed');
		if (!options.token === !options.getToken)
			throw new TypeError('bugevents: either token or getToken is needed');
		this.#options = {
			attempts: 5, firstDelay: 2000, maxDelay: 60000,
			WebSocket: globalThis.WebSocket,
			...options
		};
		if (!this.#options.WebSocket)
			throw new TypeError('bugevents: there is no WebSocket here; give one as an option (in node: import it from "ws")');
		this.#timers = {
			setTimeout: (callback, ms) => setTimeout(callback, ms),
			clearTimeout: (timer) => clearTimeout(timer),
			random: () => Math.random(),
			...options.timers
		};
		this.#position = options.position ? { stream: options.position.stream, seq: options.position.seq } : null;
		this.#filter = options.filter ?? null;
		globalThis.addEventListener?.('online', this.#online);
		this.#open();
	}

	/** 'connecting', 'open', 'waiting' or 'closed'. */
	get state() { return this.#state; }

	/** Where the stream was handed over to: to be kept, and given to connect() as position. */
	get position() { return this.#position ? { ...this.#position } : null; }

	/** The payload of the server's ready; null unless open. */
	get session() { return this.#session; }

	/* ---- listeners ---- */

	/** Call listener for: 'event', a type ('comment'), 'type.action' ('comment.created'), or one of
	    'state', 'ready', 'resync', 'error', 'close'.  Returns a function that ends it. */
	on(name, listener) {
		if (!this.#listeners.has(name))
			this.#listeners.set(name, new Set());
		this.#listeners.get(name).add(listener);
		return () => this.off(name, listener);
	}

	off(name, listener) {
		this.#listeners.get(name)?.delete(listener);
	}

	#emit(name, value) {
		for (const listener of [...this.#listeners.get(name) ?? []]) {
			try {
				listener(value);
			} catch (error) {
				queueMicrotask(() => { throw error; });
			}
		}
	}

	#enter(state) {
		if (this.#state === state)
			return;
		this.#state = state;
		this.#emit('state', state);
	}

	/* ---- events as an iteration ---- */

	/** for await (const event of connection) ...; ends when the connection is closed. */
	[Symbol.asyncIterator]() {
		const reader = { queue: [], wakes: [] };

		this.#readers.add(reader);
		return {
			next: async () => {
				while (reader.queue.length === 0) {
					if (this.#state === 'closed')
						return { value: undefined, done: true };
					await new Promise((resolve) => { reader.wakes.push(resolve); });
				}
				return { value: reader.queue.shift(), done: false };
			},
			return: async () => {
				this.#readers.delete(reader);
				return { value: undefined, done: true };
			}
		};
	}

	#feed(event) {
		for (const reader of this.#readers)
			reader.queue.push(event);
		this.#wakeReaders();
	}

	#wakeReaders() {
		for (const reader of this.#readers)
			for (const wake of reader.wakes.splice(0))
				wake();
	}

	/* ---- a socket's life ---- */

	async #open() {
		this.#enter('connecting');
		this.#refusal = null;
		let token;

		try {
			token = await this.#token('connect');
		} catch (error) {
			if (this.#state !== 'connecting')
				return;			/* closed meanwhile */
			this.#emit('error', error);
			this.#comeBack();
			return;
		}
		if (this.#state !== 'connecting')
			return;
		try {
			this.#adopt(new this.#options.WebSocket(socketUrl(this.#options.url, this.#position),
				[SUBPROTOCOL, `bearer.${token}`]));
		} catch (error) {
			this.#emit('error', error);
			this.#end(error);
		}
	}

	#adopt(socket) {
		this.#socket = socket;
		socket.onmessage = (message) => {
			if (socket === this.#socket)
				this.#receive(message.data);
		};
		socket.onclose = (close) => {
			if (socket === this.#socket)
				this.#lost(close.code, close.reason);
		};
		/* The close that follows says it all. */
		socket.onerror = () => {};
	}

	async #token(reason) {
		if (!this.#options.getToken)
			return this.#options.token;
		let timer;
		const late = new Promise((_, reject) => {
			timer = this.#timers.setTimeout(() => reject(new BugeventsError('timeout', 'getToken took too long')), TOKEN_TIMEOUT);
		});

		try {
			return await Promise.race([this.#options.getToken(reason), late]);
		} finally {
			this.#timers.clearTimeout(timer);
		}
	}

	/* The socket is gone: come back, unless that is no use. */
	#lost(code, reason) {
		const refusal = this.#refusal ?? new BugeventsError(reason || 'disconnected', `the connection ended (${code})`);
		const useless = FATAL.has(refusal.code) || (refusal.code === 'token_expired' && !this.#options.getToken);

		this.#leave();
		if (useless)
			this.#end(refusal);
		else
			this.#comeBack(refusal);
	}

	/* Forget the socket, and what waits for it. */
	#leave() {
		this.#socket = null;
		this.#session = null;
		this.#timers.clearTimeout(this.#heartbeat);
		for (const request of this.#requests.values())
			request.reject(new BugeventsError('disconnected', 'the connection ended before the answer'));
		this.#requests.clear();
	}

	/* Exponential back-off with full jitter. */
	#comeBack(refusal = null) {
		const { attempts, firstDelay, maxDelay } = this.#options;
		const least = 1000 * (refusal?.payload.retry_after ?? 0);

		if (this.#attempt >= attempts) {
			this.#end(refusal ?? new BugeventsError('disconnected', `no connection after ${attempts} attempts`));
			return;
		}
		const delay = Math.max(least, this.#timers.random() * Math.min(maxDelay, firstDelay * 2 ** this.#attempt));

		this.#attempt++;
		this.#enter('waiting');
		this.#retry = this.#timers.setTimeout(() => this.#open(), delay);
	}

	/* The network is back: no reason to wait any longer. */
	#hurry() {
		if (this.#state !== 'waiting')
			return;
		this.#timers.clearTimeout(this.#retry);
		this.#open();
	}

	/** Close for good.  Requests that wait are rejected, iterations end. */
	close() {
		this.#end(null);
	}

	#end(error) {
		if (this.#state === 'closed')
			return;
		const socket = this.#socket;

		this.#timers.clearTimeout(this.#retry);
		globalThis.removeEventListener?.('online', this.#online);
		this.#leave();
		this.#enter('closed');
		if (socket)
			socket.close(1000);
		this.#wakeReaders();
		this.#emit('close', error);
	}

	/* ---- messages ---- */

	#receive(text) {
		const message = JSON.parse(text);

		if (message.type === 'connection')
			this.#receiveConnection(message);
		else if (message.type === 'reply' || (message.type === 'error' && this.#requests.has(message.id)))
			this.#receiveReply(message);
		else if (message.type === 'error')
			this.#receiveError(message.payload);
		else if (message.seq !== undefined)
			this.#receiveEvent(message);
		if (this.#socket)
			this.#beat();
	}

	#receiveConnection({ action, payload }) {
		if (action === 'ready')
			this.#receiveReady(payload);
		else if (action === 'expiring')
			this.#renew();
	}

	#receiveReady(payload) {
		this.#session = payload;
		this.#attempt = 0;
		if (!this.#position || !payload.resumed)
			this.#position = { stream: payload.stream, seq: payload.seq };
		this.#filtering = this.#filter !== null;
		this.#enter('open');
		this.#emit('ready', payload);
		if (this.#filtering)
			this.#tellFilter(this.#filter).catch(() => {});	/* told by the connection's end */
	}

	/* A message of the server that no request asked for; often the last one. */
	#receiveError(payload) {
		const error = new BugeventsError(payload.code, payload.message, payload);

		if (payload.code === 'resync_required') {
			this.#position.seq = Math.max(this.#position.seq, payload.seq);
			this.#emit('resync', { oldest: payload.oldest, seq: payload.seq });
			return;
		}
		this.#refusal = error;
		this.#emit('error', error);
	}

	#receiveEvent(event) {
		if (event.seq <= this.#position.seq)
			return;				/* we had it */
		this.#position.seq = event.seq;
		if (this.#filtering && !passes(this.#filter, event))
			return;
		this.#emit('event', event);
		this.#emit(event.type, event);
		this.#emit(`${event.type}.${event.action}`, event);
		this.#feed(event);
	}

	/* ---- requests ---- */

	/** Send a request; the promise is for the reply's payload, or a BugeventsError. */
	async request(type, payload = {}) {
		return (await this.#ask(type, payload)).payload;
	}

	#ask(type, payload, timeout = REQUEST_TIMEOUT) {
		if (this.#state !== 'open')
			return Promise.reject(new BugeventsError('disconnected', 'there is no connection at the moment'));
		const id = ++this.#lastRequest;

		return new Promise((resolve, reject) => {
			const timer = this.#timers.setTimeout(() => {
				this.#requests.delete(id);
				reject(new BugeventsError('timeout', 'no answer in time'));
			}, timeout);
			const done = (finish) => (value) => {
				this.#timers.clearTimeout(timer);
				finish(value);
			};

			this.#requests.set(id, { resolve: done(resolve), reject: done(reject) });
			this.#socket.send(JSON.stringify({ type, id, payload }));
		});
	}

	#receiveReply(message) {
		const request = this.#requests.get(message.id);

		this.#requests.delete(message.id);
		if (message.type === 'reply')
			request?.resolve(message);
		else
			request.reject(new BugeventsError(message.payload.code, message.payload.message, message.payload));
	}

	/** Narrow the stream: { types, actions, project_ids, bug_report_ids, conflate }.  Kept when
	    the connection comes back; {} is everything. */
	async subscribe(filter = {}) {
		const before = this.#filter;

		this.#filter = filter;
		if (this.#state !== 'open')
			return;				/* it will be told when it is */
		try {
			await this.#tellFilter(filter);
		} catch (error) {
			if (error.code !== 'disconnected')
				this.#filter = before;
			throw error;
		}
	}

	async #tellFilter(filter) {
		await this.#ask('subscribe', filter);
		if (this.#filter === filter)
			this.#filtering = false;
	}

	/** A row as it is now: { row, asOf }. */
	async get(type, id) {
		const reply = await this.#ask('get', { type, id });

		return { row: reply.payload, asOf: reply.as_of };
	}

	/** All rows of a type, page by page: for await (const { row, asOf } of connection.list(...)). */
	async *list(type, { project_id, bug_report_id, status, limit } = {}) {
		let after;

		do {
			const reply = await this.#ask('list', { type, project_id, bug_report_id, status, limit, after });

			for (const row of reply.payload.items)
				yield { row, asOf: reply.as_of };
			after = reply.payload.next;
		} while (after !== null);
	}

	/* ---- tokens, heartbeat ---- */

	async #renew() {
		if (!this.#options.getToken)
			return;
		try {
			const token = await this.#token('renew');

			this.#session = { ...this.#session, ...await this.request('authenticate', { token }) };
		} catch (error) {
			if (this.#state === 'open')		/* else the next connection asks for a token anyway */
				this.#emit('error', error);
		}
	}

	/* A page can't see the server's pings: when nothing comes for long, ask. */
	#beat() {
		const interval = 1000 * (this.#session?.ping_interval ?? 0);

		this.#timers.clearTimeout(this.#heartbeat);
		if (interval > 0)
			this.#heartbeat = this.#timers.setTimeout(() => this.#knock(this.#socket), interval);
	}

	async #knock(socket) {
		try {
			await this.#ask('ping', {}, PING_TIMEOUT);
		} catch (error) {
			if (error.code !== 'timeout' || socket !== this.#socket)
				return;
			socket.close();
			this.#lost(1006, '');	/* its own close may take minutes */
		}
	}
}

/*
 * bugevents.js - client for bugevents, for browsers and node.
 *
 * Model: a Connection outlives its sockets.  It knows its position in the stream (the
 * stream's id and the seq of the last event that it handed over), comes back there when
 * a socket ends, and drops what it had already; so the application gets each event
 * once, in order, or is told by "resync" that there is a gap.
 *
 *	connecting --> open --> waiting --> connecting ...      (a socket ended; back-off)
 *	     \--> offline --> open                              (in vain: one attempt a minute)
 *	          closed --> connecting                          (close(), or no use to go on; open())
 *
 * Requests wait here until the server has room for them (its message rate, its open requests), so
 * each is answered.
 *
 * What is wanted of the stream are feeds: the application's own, that of each follow(), of each collection.  The server is
 * told what all of them want together; it is told anew after coming back.  Of what comes each takes its own, by the
 * server's rule (passes()).  A feed that is stale wants the rows of some types (of) first: { filters(), take(event), fail(error), gap?(), begin?(),
 * rows?(payload, asOf), stale?, of?, known }; known: the server has taken its filters before.
 *
 * Failure: what another attempt can't mend (a bad token that is fixed, a foreign origin, a wrong
 * filter) closes the connection.  An error that nobody listens to goes to the console.  One that a
 * listener throws is the application's: it is thrown again outside, and does not disturb the stream.
 */

import { Collection } from './collection.js';
import { alternatives, passes } from './filter.js';

export { passes };

const SUBPROTOCOL = 'bugevents.v1';

/* What another attempt would not change; with getToken the next token may be a better one. */
const FATAL = new Set(['user_inactive', 'forbidden', 'origin_not_allowed']);
const BAD_TOKEN = new Set(['missing_token', 'invalid_token', 'token_expired']);

/* Somebody has to leave first. */
const FULL = new Set(['server_full', 'too_many_connections']);

/* Of a request that has no fault of its own. */
const LOST = new Set(['disconnected', 'timeout']);

/* Of the rows of a subscription, not of the subscription itself. */
const ROWS = new Set(['state_too_big', 'state_interrupted', 'internal_error']);

/* What else one may listen to. */
const NO_EVENTS = new Set(['state', 'ready', 'stream', 'resync', 'error', 'close']);

/* In ms. */
const REQUEST_TIMEOUT = 30000;
const ROWS_TIMEOUT = 90000;
const ROWS_DELAY = 1000;
const TOKEN_TIMEOUT = 30000;
const READY_TIMEOUT = 30000;
const PING_INTERVAL = 30000;		/* where the server has none */
const PING_TIMEOUT = 10000;
const PING_PAUSE = 5000;			/* what was heard from just now is not asked */
const RENEW_DELAY = 10000;

const MOST_OPEN = 8;				/* requests that the server answers side by side */
const SPARE = 2;					/* of the server's message rate, for pings and tokens */
const PAGE = 1000;
const MOST_ALTERNATIVES = 32;		/* in one subscription */

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

function socketUrl(base, position, since) {
	const url = new URL(base, globalThis.location?.href);

	url.protocol = url.protocol.replace(/^http/, 'ws');
	if (url.pathname === '/')
		url.pathname = '/ws';
	if (position) {
		url.searchParams.set('since', String(position.seq));
		url.searchParams.set('stream', position.stream);
	} else if (since !== undefined) {
		url.searchParams.set('since_time', new Date(since).toISOString());
	}
	return url.href;
}

/* A whole number that may be too long for a double; also in a string, where it is none. */
const LONG = /[:,[]\s*(-?\d{16,})(?![\d.eE])/g;

function isEscaped(text, at) {
	let start = at;

	while (text[start - 1] === '\\')
		start--;
	return (at - start) % 2 === 1;
}

/** JSON.parse, but whole numbers beyond 2^53 become strings instead of other numbers.  Linear. */
export function parse(text) {
	let exact = '';
	let done = 0;
	let inString = false;
	let quote = -2;					/* not looked for yet */

	for (const match of text.matchAll(LONG)) {
		const end = match.index + match[0].length;

		if (quote === -2)
			quote = text.indexOf('"');
		for (; quote >= 0 && quote < end; quote = text.indexOf('"', quote + 1))
			if (!inString || !isEscaped(text, quote))
				inString = !inString;
		if (inString || Number.isSafeInteger(Number(match[1])))
			continue;
		exact += `${text.slice(done, end - match[1].length)}"${match[1]}"`;
		done = end;
	}
	return JSON.parse(done ? exact + text.slice(done) : text);
}

function stringify(value) {
	return JSON.stringify(value, (_, one) => typeof one === 'bigint' ? String(one) : one);
}

function errorOf(payload) {
	return new BugeventsError(payload.code, payload.message, payload);
}

export class Connection {
	#options;
	#clock;
	#listeners = new Map();
	#readers = new Set();
	#state = 'closed';
	#position;
	#filter;
	#own = {
		filters: () => alternatives(this.#filter ?? {}),
		take: (event) => this.#hand(event)
	};
	#feeds = new Set();		/* but for our own */
	#filtering = false;		/* the server doesn't know our filters yet */
	#told = 0;				/* which subscription is the last one */
	#subscribed;			/* its text */
	#refreshing = false;
	#awaited = null;		/* whose rows: { id, feeds, asOf } */
	#rowsLater = null;

	#turn = 0;				/* which attempt; an older one that still waits for its token is not heard */
	#attempt = 0;			/* in a row */
	#retry = null;			/* the timer of the next one */
	#notBefore = 0;			/* as the server said */

	#socket = null;
	#session = null;
	#refusal = null;		/* why the socket is going to end */
	#complaint = null;		/* the last error that was told */
	#heard = 0;
	#heartbeat = null;
	#renewal = null;

	#queue = [];			/* requests that wait for room */
	#requests = new Map();	/* those that wait for an answer, by id, in the order in which they were sent */
	#nameless = [];			/* errors without an id, until it is clear whose they are */
	#lastRequest = 0;
	#sent = 0;
	#tokens = 0;			/* of the server's bucket; less than there */
	#filled = 0;
	#pausedUntil = 0;
	#pump = null;

	#wake = ({ type }) => {
		if (type === 'online' || globalThis.document.visibilityState === 'visible')
			this.#hurry();
	};

	constructor(options) {
		if (!options?.url)
			throw new TypeError('bugevents: an url is needed');
		if (!options.token === !options.getToken)
			throw new TypeError('bugevents: either token or getToken is needed');
		if (options.since !== undefined && options.shared)
			throw new TypeError('bugevents: since is for a connection of its own, not a shared one');
		this.#options = { attempts: 5, firstDelay: 2000, maxDelay: 60000, ...options };
		this.#clock = {
			setTimeout: (callback, ms) => setTimeout(callback, ms),
			clearTimeout: (timer) => clearTimeout(timer),
			now: () => performance.now(),
			random: () => Math.random(),
			...options.timers
		};
		this.#position = options.position ? { stream: options.position.stream, seq: options.position.seq } : null;
		this.#filter = options.filter ?? null;
		if (options.open !== false)
			this.open();
	}

	/** 'connecting', 'open', 'waiting', 'offline' or 'closed'. */
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
		this.#refresh();
		return () => this.off(name, listener);
	}

	off(name, listener) {
		this.#listeners.get(name)?.delete(listener);
		this.#refresh();
	}

	#emit(name, value) {
		for (const listener of [...this.#listeners.get(name) ?? []])
			this.#call(listener, value);
	}

	#call(listener, value) {
		try {
			listener(value);
		} catch (error) {
			queueMicrotask(() => { throw error; });
		}
	}

	/* The console doesn't need to hear the same each minute. */
	#complain(error) {
		const again = String(error) === String(this.#complaint);

		this.#complaint = error;
		if (this.#listeners.get('error')?.size)
			this.#emit('error', error);
		else if (!again)
			console.error('bugevents:', error);
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
		this.#refresh();
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
				this.#refresh();
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

	/** Open it again after its end, where it was; or for the first time, if it was made with open: false. */
	open() {
		if (this.#state !== 'closed')
			return;
		this.#options.WebSocket ??= globalThis.WebSocket;
		if (!this.#options.WebSocket && !this.#options.shared)
			throw new TypeError('bugevents: there is no WebSocket here; give one as an option (in node: import it from "ws")');
		socketUrl(this.#options.url);	/* throws, if it is none */
		this.#attempt = 0;
		this.#complaint = null;
		this.#look('addEventListener');
		this.#connect();
	}

	#look(how) {
		globalThis[how]?.('online', this.#wake);
		globalThis.document?.[how]('visibilitychange', this.#wake);
	}

	async #connect() {
		const turn = ++this.#turn;
		let token;

		this.#retry = null;
		this.#refusal = null;
		if (this.#state !== 'offline')	/* that ends when there is a connection */
			this.#enter('connecting');
		try {
			token = await this.#token('connect');
			if (this.#options.shared)
				await this.#share();
		} catch (error) {
			if (turn === this.#turn) {
				this.#complain(error);
				this.#comeBack(error);
			}
			return;
		}
		if (turn !== this.#turn)
			return;				/* closed meanwhile */
		try {
			this.#adopt(new this.#options.WebSocket(socketUrl(this.#options.url, this.#position, this.#options.since), [SUBPROTOCOL, `bearer.${token}`]));
		} catch (error) {
			this.#end(error);
		}
	}

	/* In the place of a WebSocket, one that leads to the connection of all tabs. */
	async #share() {
		const { socketClass } = await import('./shared.js');

		if (this.#options.shared)
			this.#options.WebSocket = await socketClass(this.#options, (session) => this.#subscription(this.#wanted(), session), () => this.#hurry());
		this.#options.shared = false;
	}

	#adopt(socket) {
		this.#socket = socket;
		socket.onmessage = (message) => {
			if (socket === this.#socket)
				this.#receive(message.data);
		};
		socket.onclose = ({ code, reason }) => {
			if (socket === this.#socket)
				this.#lost(new BugeventsError(reason || 'disconnected', `the connection ended (${code})`));
		};
		/* The close that follows says it all. */
		socket.onerror = () => {};
		this.#dropAfter(READY_TIMEOUT, 'the server did not say ready in time');
	}

	async #token(reason) {
		const { getToken = () => this.#options.token } = this.#options;
		let timer;
		const late = new Promise((_, reject) => {
			timer = this.#clock.setTimeout(() => reject(new BugeventsError('timeout', 'getToken took too long')), TOKEN_TIMEOUT);
		});

		try {
			const token = String(await Promise.race([getToken(reason), late])).trim();

			if (!/^[\w.-]+$/.test(token))
				throw new BugeventsError('invalid_token', 'what was given is not a token');
			return token;
		} finally {
			this.#clock.clearTimeout(timer);
		}
	}

	/* The socket is gone. */
	#lost(error) {
		const why = this.#refusal ?? error;

		this.#leave();
		this.#comeBack(why);
	}

	/* Leave it; its own close may take minutes. */
	#drop(error) {
		this.#socket.close();
		this.#lost(error);
	}

	#dropAfter(ms, why) {
		this.#clock.clearTimeout(this.#heartbeat);
		this.#heartbeat = this.#clock.setTimeout(() => this.#drop(new BugeventsError('timeout', why)), ms);
	}

	/* Forget the socket, and what waits for it. */
	#leave() {
		const waiting = [...this.#requests.values(), ...this.#queue.splice(0)];

		this.#socket = null;
		this.#session = null;
		this.#nameless = [];
		this.#awaited = null;
		this.#requests.clear();
		for (const timer of [this.#heartbeat, this.#renewal, this.#pump, this.#rowsLater, ...waiting.map((request) => request.timer)])
			this.#clock.clearTimeout(timer);
		for (const request of waiting)
			request.reject(new BugeventsError('disconnected', 'the connection ended before the answer'));
	}

	#isFinal({ code, fatal }) {
		return fatal === true || FATAL.has(code) || (BAD_TOKEN.has(code) && !this.#options.getToken);
	}

	/* Exponential back-off with full jitter, then slowly; unless that is no use. */
	#comeBack(error) {
		if (this.#isFinal(error)) {
			this.#end(error);
			return;
		}
		const { attempts, firstDelay, maxDelay } = this.#options;
		const { now, random, setTimeout: after } = this.#clock;
		const inVain = this.#attempt >= attempts && !FULL.has(error.code);
		const delay = inVain ? maxDelay * (1 + random()) / 2 : random() * Math.min(maxDelay, firstDelay * 2 ** this.#attempt);
		const least = 1000 * (error.payload?.retry_after ?? 0);

		this.#attempt++;
		this.#notBefore = now() + least;
		this.#retry = after(() => this.#connect(), Math.max(least, delay));
		if (inVain && this.#state !== 'offline' && error !== this.#complaint)
			this.#complain(error);
		this.#enter(inVain ? 'offline' : 'waiting');
	}

	/* The network is back, or the user: no reason to wait any longer; and is the socket alive? */
	#hurry() {
		const now = this.#clock.now();

		if (this.#retry !== null && now >= this.#notBefore) {
			this.#clock.clearTimeout(this.#retry);
			this.#attempt = 0;
			this.#enter('connecting');
			this.#connect();
		} else if (this.#session && now - this.#heard >= PING_PAUSE) {
			this.#knock();
		}
	}

	/** Close it.  Requests that wait are rejected, iterations end. */
	close() {
		this.#end(null);
	}

	#end(error) {
		if (this.#state === 'closed')
			return;
		const socket = this.#socket;

		this.#turn++;
		this.#clock.clearTimeout(this.#retry);
		this.#retry = null;
		this.#look('removeEventListener');
		this.#leave();
		if (error && error !== this.#complaint)
			this.#complain(error);
		this.#enter('closed');
		socket?.close(1000);
		this.#wakeReaders();
		this.#emit('close', error);
		if (error)
			for (const feed of [...this.#feeds])
				feed.fail?.(error);
	}

	/* ---- messages ---- */

	#receive(text) {
		try {
			this.#take(parse(text));
		} catch (error) {
			this.#complain(new BugeventsError('invalid_message', `the server sent what is no message: ${error.message}`));
			if (this.#socket)
				this.#drop(this.#complaint);	/* it may have been an event */
		}
		if (this.#session)
			this.#beat();
	}

	#take(message) {
		if (message.type === 'connection')
			this.#receiveConnection(message);
		else if (message.type === 'reply' || (message.type === 'error' && message.id !== undefined))
			this.#receiveAnswer(message);
		else if (message.type === 'error')
			this.#receiveError(message.payload);
		else if (message.type === 'state')
			this.#receiveRows(message);
		else if (message.seq !== undefined)
			this.#receiveEvent(message);
	}

	#receiveConnection({ action, payload }) {
		if (action === 'ready')
			this.#receiveReady(payload);
		else if (action === 'expiring')
			this.#renew();
		else if (action === 'state')
			this.#enter(payload.state);
		else if (action === 'stream')
			this.#move(payload);
	}

	/* The same stream under another name. */
	#move({ stream, seq }) {
		this.#position = { stream, seq };
		this.#emit('stream', this.position);
	}

	#receiveReady(payload) {
		this.#session = payload;
		this.#attempt = 0;
		this.#complaint = null;
		/* A position is of the stream under which it is told: another one after a restart. */
		this.#position = {
			stream: payload.stream, seq: payload.resumed && this.#position ? this.#position.seq : payload.seq
		};
		this.#tokens = Infinity;	/* full */
		this.#pausedUntil = 0;
		this.#subscribed = '{}';
		if (!payload.resumed)
			this.#gap();
		this.#filtering = this.#filter !== null;
		this.#sync();
		this.#enter('open');
		if (this.#session === payload)
			this.#emit('ready', payload);
	}

	/* A message of the server that names no request; often the last one. */
	#receiveError(payload) {
		const { code } = payload;

		if (code === 'resync_required') {
			this.#position.seq = Math.max(this.#position.seq, payload.seq);
			if (!(this.#awaited && (this.#awaited.asOf ?? Infinity) >= payload.seq)) {	/* those rows are from behind it */
				this.#gap();
				this.#refresh();
			}
			this.#emit('resync', { oldest: payload.oldest, seq: payload.seq });
			return;
		}
		if (this.#session && (code === 'invalid_message' || code === 'invalid_field' || payload.retry_after !== undefined)) {
			this.#nameless.push({ payload, sent: this.#sent });
			this.#pause(payload);
			this.#attribute();
			return;
		}
		if (code === 'message_too_big' && this.#requests.size > 0)
			this.#refuse([...this.#requests.values()].reduce((a, b) => a.text.length > b.text.length ? a : b), payload);
		this.#refusal = errorOf(payload);
		this.#complain(this.#refusal);
	}

	#receiveEvent(event) {
		if (!this.#session || event.seq <= this.#position.seq)
			return;				/* we had it */
		this.#position.seq = event.seq;
		for (const feed of this.#wanted())
			feed.take(event);
	}

	/* To the application. */
	#hand(event) {
		if ((this.#filtering || this.#feeds.size > 0) && !passes(this.#filter, event))
			return;
		this.#emit('event', event);
		this.#emit(event.type, event);
		this.#emit(`${event.type}.${event.action}`, event);
		this.#feed(event);
	}

	/* Those of an older subscription are for nobody. */
	#receiveRows({ id, as_of: asOf, payload }) {
		const awaited = this.#awaited;

		if (awaited?.id !== id)
			return;
		awaited.asOf = asOf;
		for (const feed of awaited.feeds)
			if (feed.stale)
				feed.rows(payload, asOf);
		if (payload.last)
			this.#awaited = null;
	}

	/* ---- requests ---- */

	/** Send a request; the promise is for the reply's payload, or a BugeventsError. */
	async request(type, payload = {}) {
		return (await this.#ask(type, payload)).payload;
	}

	#ask(type, payload, { urgent = false, timeout = REQUEST_TIMEOUT } = {}) {
		if (!this.#session)
			return Promise.reject(new BugeventsError('disconnected', 'there is no connection at the moment'));
		const id = ++this.#lastRequest;
		const text = stringify({ type, id, payload });
		const most = this.#session.limits?.max_message_size;

		if (most && new TextEncoder().encode(text).length > most)
			return Promise.reject(new BugeventsError('message_too_big', `the server takes ${most} bytes at most`));
		return new Promise((resolve, reject) => {
			const request = { id, text, timeout, resolve, reject };

			if (urgent)
				this.#send(request);
			else
				this.#enqueue(request);
		});
	}

	#enqueue(request) {
		this.#queue.push(request);
		this.#queue.sort((a, b) => a.id - b.id);
		this.#sendQueued();
	}

	#sendQueued() {
		this.#clock.clearTimeout(this.#pump);
		while (this.#queue.length > 0 && this.#requests.size < MOST_OPEN) {
			const wait = this.#wait();

			if (wait > 0) {
				this.#pump = this.#clock.setTimeout(() => this.#sendQueued(), wait);
				return;
			}
			this.#send(this.#queue.shift());
		}
	}

	/* How long the server takes no message: its bucket, less the spare. */
	#wait() {
		const now = this.#clock.now();
		const paused = this.#pausedUntil - now;
		const rate = this.#session.limits?.message_rate;

		if (!rate)
			return paused;
		this.#tokens = Math.min(Math.max(1, rate - SPARE), this.#tokens + Math.max(0, now - this.#filled) * rate / 60000);
		this.#filled = now;
		return Math.max(paused, this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) * 60000 / rate));
	}

	#send(request) {
		this.#tokens--;
		request.sent = ++this.#sent;
		request.timer = this.#clock.setTimeout(
			() => this.#settle(request, () => request.reject(new BugeventsError('timeout', 'no answer in time'))), request.timeout);
		this.#requests.set(request.id, request);
		this.#socket.send(request.text);
	}

	#settle(request, finish) {
		this.#requests.delete(request.id);
		this.#clock.clearTimeout(request.timer);
		finish();
		this.#sendQueued();
	}

	#receiveAnswer(message) {
		const request = this.#requests.get(message.id);

		if (request && message.type === 'reply')
			this.#settle(request, () => request.resolve(message));
		else if (request)
			this.#refuse(request, message.payload);
		else if (this.#awaited?.id === message.id)
			this.#rowsFailed(this.#awaited.feeds, errorOf(message.payload));
		this.#attribute();
	}

	/* What was refused for its moment only, is asked again. */
	#refuse(request, payload) {
		if (payload.code !== 'rate_limited' || payload.retry_after === undefined) {
			this.#settle(request, () => request.reject(errorOf(payload)));
			return;
		}
		this.#pause(payload);
		this.#requests.delete(request.id);
		this.#clock.clearTimeout(request.timer);
		this.#enqueue(request);
	}

	#pause({ retry_after: seconds = 0 }) {
		this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + 1000 * seconds);
	}

	/* Each message is answered once: when of those that were sent as many are left as there are
	   errors without an id, these are theirs. */
	#attribute() {
		const errors = this.#nameless;
		const last = errors[errors.length - 1]?.sent;
		const asked = [...this.#requests.values()].filter(({ sent }) => sent <= last);

		if (asked.length > errors.length)
			return;
		this.#nameless = [];
		errors.forEach(({ payload }, i) => asked[i] ? this.#refuse(asked[i], payload) : this.#complain(errorOf(payload)));
	}

	/** Narrow the stream: { types, actions, project_ids, bug_report_ids, where, any, conflate }.  Kept when
	    the connection comes back; {} is everything. */
	async subscribe(filter = {}) {
		const before = this.#filter;

		this.#filter = filter;
		if (!this.#session)
			return;				/* it will be told when it is open */
		try {
			await this.#tell();
		} catch (error) {
			if (error.code !== 'disconnected' && this.#filter === filter)
				this.#filter = before;
			if (this.#feeds.size > 0)
				this.#refresh();
			throw error;
		}
	}

	/** Call listener for the events that pass a filter, whatever else this connection is for.  Returns a function that ends it. */
	follow(filter, listener) {
		return this.join({
			filters: () => alternatives(filter),
			take: (event) => {
				if (passes(filter, event))
					this.#call(listener, event);
			}
		}).leave;
	}

	/** The rows of a type, kept current: collection.js. */
	collection(type, options) {
		return new Collection(this, type, options);
	}

	/** For adapters: a feed of one's own, as described at the top. */
	join(feed) {
		this.#feeds.add(feed);
		this.#refresh();
		return {
			/** Its filters are others, or it is stale. */
			refresh: () => this.#refresh(),
			leave: () => {
				this.#feeds.delete(feed);
				this.#refresh();
			},
			/** A request: its whole reply. */
			ask: (type, payload) => this.#ask(type, payload),
			/** Don't wait for the next attempt. */
			hurry: () => this.#hurry()
		};
	}

	/* Ours is, if somebody said or listens to something; without any other it has no rival. */
	#wanted() {
		const isOwn = this.#feeds.size === 0 || this.#filter || this.#readers.size > 0 ||
			[...this.#listeners].some(([name, { size }]) => size > 0 && !NO_EVENTS.has(name));

		return [...isOwn ? [this.#own] : [], ...this.#feeds];
	}

	#gap() {
		for (const feed of this.#feeds)
			feed.gap?.();
	}

	/* Tell the server what is wanted now, if it is something else; what changes at a time, at once. */
	#refresh() {
		if (!this.#session || this.#refreshing)
			return;
		this.#refreshing = true;
		queueMicrotask(() => {
			this.#refreshing = false;
			if (this.#session)
				this.#sync();
		});
	}

	#sync() {
		const feeds = this.#wanted();

		if (stringify(this.#subscription(feeds)) !== this.#subscribed || feeds.some((feed) => feed.stale && !this.#awaited?.feeds.includes(feed)))
			this.#tellFeeds(feeds);
		else if (!this.#filtering)
			this.#know(feeds);		/* others wanted that already */
	}

	#subscription(feeds, session = this.#session) {
		if (feeds[0] === this.#own && feeds.length === 1)
			return this.#filter ?? {};
		const { conflate } = this.#filter ?? {};
		const any = [...new Map(feeds.flatMap((feed) => feed.filters(session)).map((one) => [stringify(one), one])).values()];

		const types = any.every((one) => one.types?.length) ? [...new Set(any.flatMap((one) => one.types))] : undefined;

		return { types, any: any.length <= MOST_ALTERNATIVES ? any : undefined, conflate };
	}

	async #tell(feeds = this.#wanted()) {
		const subscription = this.#subscription(feeds);
		const stale = feeds.filter((feed) => feed.stale);
		const turn = ++this.#told;

		this.#filtering = true;
		this.#subscribed = stringify(subscription);
		for (const feed of stale)
			feed.begin();
		this.#awaited = stale.length > 0 ? { id: this.#lastRequest + 1, feeds: stale } : null;
		if (stale.length > 0)
			await this.#ask('subscribe', { ...subscription, state: [...new Set(stale.flatMap(({ of }) => of))] }, { timeout: ROWS_TIMEOUT });
		else
			await this.#ask('subscribe', subscription);
		if (turn === this.#told)
			this.#filtering = false;
		this.#know(feeds);
	}

	#know(feeds) {
		for (const feed of feeds.filter(({ known }) => !known)) {
			feed.known = true;
			feed.told?.();
		}
	}

	/* Whose filter the server doesn't take is told, and left out; if it is unclear whose that is, they go
	   one by one.  Where all were taken before, and for our own, it is the end: the stream would be another one than was wanted. */
	async #tellFeeds(feeds) {
		const turn = this.#told + 1;

		try {
			await this.#tell(feeds);
			this.#refresh();
		} catch (error) {
			if (LOST.has(error.code)) {
				if (this.#session && error.code === 'timeout')
					this.#drop(error);
			} else if (turn === this.#told) {	/* or else the later one tells */
				if (ROWS.has(error.code))
					this.#rowsFailed(feeds, error);
				else
					this.#exclude(feeds, feeds.filter(({ known }) => !known), error);
			}
		}
	}

	#exclude(feeds, suspects, error) {
		if (suspects.length > 1) {
			this.#tellFeeds(feeds.filter((feed) => feed === suspects[0] || !suspects.includes(feed)));
		} else if (suspects.length === 0 || suspects[0] === this.#own) {
			this.#end(error);
		} else {
			this.#feeds.delete(suspects[0]);
			this.#complain(error);
			suspects[0].fail?.(error);
			this.#refresh();
		}
	}

	/* These are too many; or they could not be read at this time, so they are asked for again. */
	#rowsFailed(feeds, error) {
		this.#awaited = null;
		if (error.code !== 'state_too_big')
			this.#rowsLater = this.#clock.setTimeout(() => this.#refresh(), Math.max(ROWS_DELAY, 1000 * (error.payload.retry_after ?? 0)));
		else
			this.#exclude(feeds, feeds.filter(({ stale }) => stale), error);
	}

	/** Wait until everything up to a seq, such as bugevents.last_seq() returned, was handed over: true; false when it didn't come in time. */
	async wait(seq) {
		return (await this.#askAgain('wait', { seq: String(seq) }, { timeout: ROWS_TIMEOUT })).payload.reached;
	}

	/** A row as it is now: { row, asOf }. */
	async get(type, id) {
		const reply = await this.#ask('get', { type, id });

		return { row: reply.payload, asOf: reply.as_of };
	}

	/** All rows of a type, page by page: for await (const { row, asOf } of connection.list(...)).
	    It goes on where it was when the connection comes back. */
	async *list(type, { limit = PAGE, ...only } = {}) {
		const given = new Set();
		let after;

		do {
			const reply = await this.#page({ type, limit, ...only, after });

			for (const row of reply?.payload.items ?? []) {
				if (row.id === undefined || !given.has(String(row.id)))
					yield { row, asOf: reply.as_of };
				given.add(String(row.id));
			}
			after = reply?.payload.next;
		} while (after !== null);
	}

	/* Nothing: a server that was started again doesn't know the place any more, so begin again. */
	async #page(request) {
		try {
			return await this.#askAgain('list', request);
		} catch (error) {
			if (request.after === undefined || error.code !== 'invalid_field' || error.payload?.field !== 'after')
				throw error;
		}
	}

	async #askAgain(type, payload, options) {
		for (;;) {
			try {
				return await this.#ask(type, payload, options);
			} catch (error) {
				if (error.code !== 'disconnected' || this.#state === 'closed')
					throw error;
				await this.#change();
			}
		}
	}

	#change() {
		return new Promise((resolve) => {
			const end = this.on('state', () => {
				end();
				resolve();
			});
		});
	}

	/* ---- tokens, heartbeat ---- */

	async #renew() {
		const socket = this.#socket;

		if (!this.#options.getToken)
			return;
		try {
			const { payload } = await this.#ask('authenticate', { token: await this.#token('renew') }, { urgent: true });

			this.#session = { ...this.#session, ...payload };
		} catch (error) {
			if (socket !== this.#socket)
				return;			/* the next connection asks for a token anyway */
			this.#complain(error);
			if (error.fatal === true)
				this.#end(error);
			else
				this.#renewal = this.#clock.setTimeout(() => this.#renew(), RENEW_DELAY);
		}
	}

	/* A page can't see the server's pings: when nothing comes for long, ask. */
	#beat() {
		this.#heard = this.#clock.now();
		this.#clock.clearTimeout(this.#heartbeat);
		this.#heartbeat = this.#clock.setTimeout(() => this.#knock(), 1000 * this.#session.ping_interval || PING_INTERVAL);
	}

	/* Whatever comes is an answer. */
	#knock() {
		this.#heard = Infinity;		/* once is enough */
		this.#ask('ping', {}, { urgent: true }).catch(() => {});
		this.#dropAfter(PING_TIMEOUT, 'the connection went silent');
	}
}

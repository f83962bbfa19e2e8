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
 * each is answered.  Subscriptions are the protocol's (docs/protocol.md); after coming back they are
 * made anew, and what arrives before that took effect is filtered here, by the same rule.
 *
 * Failure: what another attempt can't mend (a bad token that is fixed, a foreign origin, a wrong
 * filter) closes the connection.  An error that nobody listens to goes to the console.  One that a
 * listener throws is the application's: it is thrown again outside, and does not disturb the stream.
 */

const SUBPROTOCOL = 'bugevents.v1';

/* What another attempt would not change; with getToken the next token may be a better one. */
const FATAL = new Set(['user_inactive', 'forbidden', 'origin_not_allowed']);
const BAD_TOKEN = new Set(['missing_token', 'invalid_token', 'token_expired']);

/* Somebody has to leave first. */
const FULL = new Set(['server_full', 'too_many_connections']);

/* Of a request that has no fault of its own. */
const LOST = new Set(['disconnected', 'timeout']);

/* In ms. */
const REQUEST_TIMEOUT = 30000;
const TOKEN_TIMEOUT = 30000;
const READY_TIMEOUT = 30000;
const PING_INTERVAL = 30000;		/* where the server has none */
const PING_TIMEOUT = 10000;
const PING_PAUSE = 5000;			/* what was heard from just now is not asked */
const RENEW_DELAY = 10000;

const MOST_OPEN = 8;				/* requests that the server answers side by side */
const SPARE = 2;					/* of the server's message rate, for pings and tokens */
const PAGE = 1000;

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

function lists(list, value) {
	return !Array.isArray(list) || !list.length ||
		(value !== undefined && value !== null && list.some((item) => String(item) === String(value)));
}

/** Does an event pass a subscription's filter?  The server's rule. */
export function passes(filter, event) {
	const payload = event.payload ?? {};

	return !filter || (lists(filter.types, event.type) && lists(filter.actions, event.action) &&
		lists(filter.project_ids, event.type === 'project' ? payload.id : payload.project_id) &&
		lists(filter.bug_report_ids, event.type === 'bug_report' ? payload.id : payload.bug_report_id));
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
	#filtering = false;		/* the server doesn't know our filter yet */

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

	/** Open it again after its end, where it was; or for the first time, if it was made with open: false. */
	open() {
		if (this.#state !== 'closed')
			return;
		this.#options.WebSocket ??= globalThis.WebSocket;
		if (!this.#options.WebSocket)
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
			this.#adopt(new this.#options.WebSocket(socketUrl(this.#options.url, this.#position), [SUBPROTOCOL, `bearer.${token}`]));
		} catch (error) {
			this.#end(error);
		}
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
		this.#requests.clear();
		for (const timer of [this.#heartbeat, this.#renewal, this.#pump, ...waiting.map((request) => request.timer)])
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
		else if (message.seq !== undefined)
			this.#receiveEvent(message);
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
		this.#complaint = null;
		if (!this.#position || !payload.resumed)
			this.#position = { stream: payload.stream, seq: payload.seq };
		this.#tokens = Infinity;	/* full */
		this.#pausedUntil = 0;
		this.#filtering = this.#filter !== null;
		if (this.#filtering)
			this.#tellFilter(this.#filter).catch((error) => this.#filterFailed(error));
		this.#enter('open');
		if (this.#session === payload)
			this.#emit('ready', payload);
	}

	/* A message of the server that names no request; often the last one. */
	#receiveError(payload) {
		const { code } = payload;

		if (code === 'resync_required') {
			this.#position.seq = Math.max(this.#position.seq, payload.seq);
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

	#ask(type, payload, urgent = false) {
		if (!this.#session)
			return Promise.reject(new BugeventsError('disconnected', 'there is no connection at the moment'));
		const id = ++this.#lastRequest;
		const text = JSON.stringify({ type, id, payload }, (_, value) => typeof value === 'bigint' ? String(value) : value);
		const most = this.#session.limits?.max_message_size;

		if (most && new TextEncoder().encode(text).length > most)
			return Promise.reject(new BugeventsError('message_too_big', `the server takes ${most} bytes at most`));
		return new Promise((resolve, reject) => {
			const request = { id, text, resolve, reject };

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
			() => this.#settle(request, () => request.reject(new BugeventsError('timeout', 'no answer in time'))), REQUEST_TIMEOUT);
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

	/** Narrow the stream: { types, actions, project_ids, bug_report_ids, conflate }.  Kept when
	    the connection comes back; {} is everything. */
	async subscribe(filter = {}) {
		const before = this.#filter;

		this.#filter = filter;
		if (!this.#session)
			return;				/* it will be told when it is open */
		try {
			await this.#tellFilter(filter);
		} catch (error) {
			if (error.code !== 'disconnected' && this.#filter === filter)
				this.#filter = before;
			throw error;
		}
	}

	async #tellFilter(filter) {
		await this.#ask('subscribe', filter);
		if (this.#filter === filter)
			this.#filtering = false;
	}

	/* One that the server doesn't know would be another stream than was wanted. */
	#filterFailed(error) {
		if (!LOST.has(error.code))
			this.#end(error);
		else if (this.#session && error.code === 'timeout')
			this.#drop(error);
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

	async #askAgain(type, payload) {
		for (;;) {
			try {
				return await this.#ask(type, payload);
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
			const { payload } = await this.#ask('authenticate', { token: await this.#token('renew') }, true);

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
		this.#ask('ping', {}, true).catch(() => {});
		this.#dropAfter(PING_TIMEOUT, 'the connection went silent');
	}
}

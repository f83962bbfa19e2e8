/*
 * shared.js - one connection for all tabs of a browser: connect({ shared: true }).
 *
 * Model: in each tab a Connection is what it always is, over a socket that leads to a hub.  The hub is where the connection to
 * the server is: in a SharedWorker, or, where there is none, in one of the tabs, whichever has the lock.  To each tab it is a
 * server, of the same protocol: it says ready, hands on the events that the tab wants, asks what it asks, and gives it rows.  What all
 * tabs want is told to the server together, since each of them is a feed of the hub's connection (bugevents.js).
 *
 *	tab: Connection - SharedSocket --port-->  hub: Tab (a feed) - Connection - WebSocket --> server
 *
 * A hub is of one URL and one user; who signs in as another one gets another hub.  Tokens are the tabs': the hub has the last one that
 * was given to it, and asks a tab for the next.
 *
 * Failure: what becomes of the hub's connection is told to the tabs, which go on where it goes on.  When a tab dies, its
 * lock is free, and the hub forgets it.  When the hub dies, the next one begins at the earliest position of its tabs; what
 * others have had already they drop themselves, as after any resume.
 */
import { connect, parse } from './bugevents.js';
import { alternatives, passes } from './filter.js';

/* Of what tabs and hub say to each other. */
const VERSION = 1;

/* Others that open at the same time may have earlier positions.  In ms. */
const GATHERING = 50;

/* For so long the hub is not hurried again.  In ms. */
const HURRY_PAUSE = 10000;

const ABNORMAL = 1006;

const uid = () => `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;

/* ---- the tab's end ---- */

function withoutPosition(url) {
	const base = new URL(url);

	base.searchParams.delete('since');
	base.searchParams.delete('stream');
	return base.href;
}

function subjectOf(token) {
	const [, claims = ''] = token.split('.');

	try {
		return parse(decodeURIComponent(escape(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))))).sub;
	} catch {
		return '';				/* the server will say what is wrong with it */
	}
}

const keyOf = (url, user) => `bugevents ${VERSION} ${withoutPosition(url)} ${user}`;

/* A way to the hub: { post(body), end() }. */
function portToWorker(key, id, hear, broken) {
	const worker = new SharedWorker(new URL('./shared-worker.js', import.meta.url), { type: 'module', name: key });

	worker.onerror = broken;
	worker.port.onmessage = ({ data }) => hear(data);
	return { post: (body) => worker.port.postMessage({ from: id, body }), end: () => worker.port.close() };
}

const candidates = new Set();		/* the hubs that this tab would be */

function portToTab(key, id, hear) {
	const channel = new BroadcastChannel(key);

	channel.onmessage = ({ data }) => {
		if (data.to === id || data.to === 'all')
			hear(data.body);
	};
	if (!candidates.has(key)) {
		candidates.add(key);
		navigator.locks.request(`${key} hub`, () => {
			serveChannel(key);
			return new Promise(() => {});	/* as long as the tab lives */
		});
	}
	return { post: (body) => channel.postMessage({ to: 'hub', from: id, body }), end: () => channel.close() };
}

function canShareByLock() {
	return Boolean(globalThis.BroadcastChannel && globalThis.navigator?.locks);
}

/** The class of sockets for one connection: wanted(session) is what it is going to subscribe to, wake() makes it try at once.
    Where nothing can be shared, that of the browser. */
export async function socketClass(options, wanted, wake) {
	if (!globalThis.SharedWorker && !canShareByLock())
		return globalThis.WebSocket;
	const id = uid();
	const { attempts, firstDelay, maxDelay, getToken } = options;
	let byWorker = Boolean(globalThis.SharedWorker);
	let key, port, current;
	let sockets = 0;

	/* It is there as long as it has the lock; without locks it has to say goodbye. */
	if (globalThis.navigator?.locks)
		await new Promise((resolve) => {
			navigator.locks.request(id, () => {
				resolve();			/* before the hub asks for it */
				return new Promise(() => {});
			});
		});
	else
		globalThis.addEventListener?.('pagehide', () => current?.close());

	function hear({ hub, wakeUp, socket, ...body }) {
		if (hub)				/* there is another one */
			current?.again();
		else if (wakeUp)
			wake();
		else if (socket === current?.number)
			current.hear(body);
	}

	function broken() {
		byWorker = false;
		port = null;
		current?.end();
		wake();
	}

	function portOf(wantedKey) {
		if (port && key === wantedKey)
			return port;
		port?.end();
		key = wantedKey;
		port = null;
		try {
			port = byWorker ? portToWorker(key, id, hear, broken) : null;
		} catch {
			byWorker = false;	/* a script of another origin */
		}
		port ??= portToTab(key, id, hear);
		return port;
	}

	return class SharedSocket {
		number = ++sockets;
		#isOpen = false;
		#opening;

		constructor(url, [, bearer]) {
			const token = bearer.slice('bearer.'.length);
			const user = subjectOf(token);

			this.port = portOf(keyOf(url, user));
			this.#opening = { open: {
				url, token, isFixed: !getToken, wanted: wanted({ user_id: user }), lock: globalThis.navigator?.locks && id,
				options: { attempts, firstDelay, maxDelay }
			} };
			current = this;
			this.#post(this.#opening);
		}

		#post(body) {
			this.port.post({ socket: this.number, ...body });
		}

		hear({ text, end }) {
			this.#isOpen = true;
			if (end)
				this.end(end);
			else
				this.onmessage?.({ data: text });
		}

		end(how = { code: ABNORMAL, reason: '' }) {
			if (current !== this)
				return;
			current = null;
			this.onclose?.(how);
		}

		again() {
			if (this.#isOpen) {
				this.end();
				wake();
			} else {
				this.#post(this.#opening);
			}
		}

		send(text) {
			this.#post({ send: text });
		}

		close() {
			if (current !== this)
				return;
			current = null;
			this.#post({ close: true });
		}
	};
}

/* ---- the hub's end ---- */

const REFUSED = new Set(['missing_token', 'invalid_token', 'token_expired']);
const NOTHING = [{ types: ['connection'] }];

function positionIn(url) {
	const { searchParams } = new URL(url);

	return searchParams.has('since') ? { seq: Number(searchParams.get('since')), stream: searchParams.get('stream') } : null;
}

/* One of them, as the hub sees it: a feed, to which the hub is a server. */
class Tab {
	stale = false;
	isReady = false;
	#hub;
	#post;
	#place = null;
	#wanted;
	#before = NOTHING;		/* that the server has taken */
	#subscribing = null;	/* the id of the request */
	#rowsFor = null;
	#isFirst = false;

	constructor(hub, post, { url, isFixed, wanted }, socket) {
		this.#hub = hub;
		this.#post = (body) => post({ socket, ...body });
		this.#wanted = alternatives(wanted);
		this.socket = socket;
		this.isFixed = isFixed;
		this.position = positionIn(url);
	}

	/* ---- as a feed */

	filters() { return this.#wanted; }

	take(event) {
		if (this.isReady && this.#wanted.some((filter) => passes(filter, event)))
			this.#post({ text: this.#hub.textOf(event) });
	}

	told() {
		this.#before = this.#wanted;
		this.#answer({ type: 'reply', payload: { seq: this.#hub.position.seq } });
		this.#hub.welcome(this);
	}

	fail(error) {
		this.#wanted = this.#before;
		this.stale = false;
		this.#answer({ type: 'error', payload: payloadOf(error) });
		this.#place = null;
		if (error !== this.#hub.ended)
			this.join();
	}

	begin() { this.#isFirst = true; }

	rows(payload, asOf) {
		this.say({ type: 'state', id: this.#rowsFor, as_of: asOf, payload: { ...payload, first: payload.first || this.#isFirst || undefined } });
		this.#isFirst = false;
		this.stale = !payload.last;
	}

	/* ---- for the hub */

	get hasJoined() { return this.#place !== null; }

	join() {
		this.known = false;
		this.#place = this.#hub.join(this);
	}

	hurry() { this.#place.hurry(); }

	leave() {
		this.#place?.leave();
		this.#place = null;
	}

	say(message) { this.#post({ text: JSON.stringify(message) }); }

	refuse(error) {
		this.say({ type: 'error', payload: payloadOf(error) });
		this.end({ code: 1008, reason: error.code });
	}

	end(how = { code: ABNORMAL, reason: '' }) { this.#post({ end: how }); }

	hear(text) {
		const { type, id, payload } = parse(text);

		if (type === 'subscribe')
			this.#subscribe(id, payload);
		else if (type === 'ping')
			this.#pong(id);
		else if (type === 'authenticate')
			this.say({ type: 'reply', id, payload: this.#hub.renew(payload.token) });
		else
			this.#ask(type, id, payload);
	}

	#pong(id) {
		this.say({ type: 'reply', id, payload: { pong: true, seq: this.#hub.position.seq } });
		this.#hub.hurry(this);
	}

	#subscribe(id, { state, ...filter }) {
		this.#wanted = alternatives(filter);
		this.#subscribing = id;
		this.stale = Boolean(state);
		this.of = state || [];
		this.#rowsFor = id;
		this.known = false;
		this.#place.refresh();
	}

	#answer(message) {
		if (this.#subscribing !== null)
			this.say({ ...message, id: this.#subscribing });
		this.#subscribing = null;
	}

	#ask(type, id, payload) {
		this.#place.ask(type, payload).then(
			(reply) => this.say({ ...reply, id }),
			(error) => this.say({ type: 'error', id, payload: payloadOf(error) }));
	}
}

function payloadOf({ code = 'internal_error', message, payload }) {
	return { ...payload, code, message };
}

class Hub {
	#tabs = new Map();		/* by their ids */
	#posts = new Map();		/* how to reach them, also without a socket */
	#connection = null;
	#gathering = null;
	#options;
	#token;
	#isRefused = false;
	#asked = null;			/* called with the next token */
	#hurried = -Infinity;
	#last = {};
	ended = null;

	get position() { return this.#connection.position ?? { seq: 0 }; }

	/* The same for all of them. */
	textOf(event) {
		if (this.#last.event !== event)
			this.#last = { event, text: JSON.stringify(event) };
		return this.#last.text;
	}

	join(tab) { return this.#connection.join(tab); }

	hear(id, post, { socket, open, send, close }) {
		const tab = this.#tabs.get(id);

		if (!this.#posts.has(id) && open?.lock)
			navigator.locks.request(open.lock, () => this.#bury(id));
		this.#posts.set(id, post);
		if (open && tab?.socket !== socket)
			this.#open(id, post, socket, open);
		else if (tab?.socket !== socket)
			return;				/* what an older one said */
		else if (send)
			tab.hear(send);
		else if (close)
			this.#forget(id);
	}

	#open(id, post, socket, open) {
		this.#tabs.get(id)?.leave();
		this.#options ??= { ...open.options, url: withoutPosition(open.url) };
		this.renew(open.token);
		this.#tabs.set(id, new Tab(this, post, open, socket));
		this.#gathering ??= setTimeout(() => this.#gather(), GATHERING);
	}

	#bury(id) {
		this.#posts.delete(id);
		this.#forget(id);
	}

	#forget(id) {
		this.#tabs.get(id)?.leave();
		this.#tabs.delete(id);
		if (this.#tabs.size === 0)
			this.#connection?.close();
	}

	/* Those that have opened.  One that was connected before needs what came since, and nobody may have wanted that here. */
	#gather() {
		const fresh = [...this.#tabs.values()].filter(({ hasJoined }) => !hasJoined);
		const positions = fresh.map(({ position }) => position).filter(Boolean);

		this.#gathering = null;
		if (fresh.length === 0)
			return;
		if (!this.#connection || this.#connection.state === 'closed' || positions.length > 0)
			this.#begin([...positions, ...this.#connection?.position ? [this.#connection.position] : []].sort((a, b) => a.seq - b.seq)[0]);
		for (const tab of fresh)
			tab.join();
		this.hurry(fresh[0]);
	}

	#begin(position) {
		const old = this.#connection;
		const connection = connect({ ...this.#options, position, getToken: (reason) => this.#giveToken(reason) });
		const on = (name, listener) => connection.on(name, (value) => {
			if (connection === this.#connection)
				listener(value);
		});

		this.#connection = connection;
		this.ended = null;
		for (const tab of this.#tabs.values()) {
			if (tab.hasJoined) {
				tab.leave();
				tab.join();
			}
		}
		old?.close();
		on('ready', () => this.#ready());
		on('state', (state) => this.#tellState(state));
		on('resync', (gap) => this.#sayAll({ type: 'error', payload: { code: 'resync_required', message: 'events are missing here', ...gap } }));
		on('stream', (payload) => this.#sayAll({ type: 'connection', action: 'stream', payload }));
		on('error', (error) => this.#complain(error));
		on('close', (error) => this.#end(error));
	}

	#sayAll(message) {
		for (const tab of this.#tabs.values())
			if (tab.isReady)
				tab.say(message);
	}

	#ready() {
		for (const tab of this.#tabs.values())
			if (tab.hasJoined)
				this.welcome(tab);
		for (const [id, post] of this.#posts)
			if (!this.#tabs.has(id))
				post({ wakeUp: true });
	}

	/** Once what it wants is on its way. */
	welcome(tab) {
		const { session } = this.#connection;

		if (tab.isReady || !session)
			return;
		const { stream, seq } = this.position;
		const since = tab.position;
		const resumed = since?.stream === stream && session.resumed;

		tab.isReady = true;
		tab.say({ type: 'connection', action: 'ready', payload: {
			...session, stream, seq: resumed ? since.seq : seq, resumed, limits: { ...session.limits, message_rate: 0 }
		} });
		if (since && since.stream !== stream && session.resumed)
			tab.say({ type: 'error', payload: { code: 'resync_required', message: 'it is another stream', oldest: seq, seq } });
	}

	#tellState(state) {
		for (const tab of this.#tabs.values())
			if (state !== 'closed' && (tab.isReady || state !== 'open'))
				tab.say({ type: 'connection', action: 'state', payload: { state } });
	}

	/* A tab with a function for tokens brings another one; one that waits to be let in by opening again. */
	#complain(error) {
		console.error('bugevents:', error);
		if (!REFUSED.has(error.code))
			return;
		this.#isRefused = true;
		for (const [id, tab] of [...this.#tabs]) {
			if (tab.isFixed || !tab.isReady) {
				tab.refuse(error);
				this.#forget(id);
			}
		}
	}

	#end(error) {
		this.ended = error;
		for (const tab of this.#tabs.values()) {
			if (error)
				tab.refuse(error);
			else
				tab.end();
		}
		this.#tabs.clear();
	}

	/** The tab's user is there. */
	hurry(tab) {
		if (performance.now() - this.#hurried < HURRY_PAUSE || !['waiting', 'offline'].includes(this.#connection.state))
			return;
		this.#hurried = performance.now();
		tab.hurry();
	}

	/* ---- tokens */

	/** There is a new one. */
	renew(token) {
		const { user_id, role, expires_at } = this.#connection?.session ?? {};

		this.#token = token;
		this.#isRefused = false;
		this.#asked?.(token);
		this.#asked = null;
		return { user_id, role, expires_at };
	}

	#giveToken(reason) {
		if (reason === 'connect' && !this.#isRefused)
			return this.#token;
		return new Promise((resolve) => {
			const [id, tab] = [...this.#tabs].find(([, { isFixed, isReady }]) => !isFixed && isReady) ?? [];

			this.#asked = resolve;
			if (!tab)
				return;
			this.#tabs.delete(id);	/* the next time another one is asked */
			this.#tabs.set(id, tab);
			tab.say({ type: 'connection', action: 'expiring', payload: { seconds: 60 } });
		});
	}
}

/* ---- where hubs are */

const hubs = new Map();

function hubOf(key) {
	if (!hubs.has(key))
		hubs.set(key, new Hub());
	return hubs.get(key);
}

/** In a SharedWorker: a tab's port. */
export function servePort(key, port) {
	const post = (body) => port.postMessage(body);

	port.onmessage = ({ data: { from, body } }) => hubOf(key).hear(from, post, body);
}

/* In a tab. */
function serveChannel(key) {
	const channel = new BroadcastChannel(key);

	channel.onmessage = ({ data: { to, from, body } }) => {
		if (to === 'hub')
			hubOf(key).hear(from, (said) => channel.postMessage({ to: from, body: said }), body);
	};
	channel.postMessage({ to: 'all', body: { hub: true } });
}

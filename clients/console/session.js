/*
 * session.js - who is signed in, and the connection: from some time ago on, so that the page isn't empty when it opens.
 *
 * Model: the connection begins where the history does (since), and goes on live; to have more or less of
 * it is another connection.  Where that is more than what is kept of it, it begins later.
 */
import { connect } from '../bugevents.js';
import { adjust, asked, begin, onAddress } from './address.js';
import { $, tell } from './dom.js';

export const HISTORY = { '15m': 900, '1h': 3600, '1d': 86400, '7d': 604800 };	/* seconds */
const MOST = 5000;				/* events of history */

const listeners = { event: [], load: [], forget: [], gap: [] };

export const session = { connection: null, token: null, historySince: null };

/* 'event': one came; 'load': what no event tells has to be read; 'forget': somebody else may sit there next;
   'gap': events are missing. */
export function on(name, listener) {
	listeners[name].push(listener);
}

function emit(name, value) {
	for (const listener of listeners[name])
		listener(value);
}

export const isAdmin = () => session.connection?.session?.role === 'admin';

/* Where it is refused, say so. */
export async function request(type, payload) {
	const mine = session.connection;

	try {
		return await mine.request(type, payload);
	} catch (error) {
		if (error.code !== 'disconnected' && mine === session.connection)
			tell(error.message);
		return null;
	}
}

/* ---- history ---- */

const chosen = () => HISTORY[asked('since')] ?? HISTORY['1h'];

/* Events that were there before the page was. */
let history = null;				/* { opened, from, count, first } */

function restart(options) {
	const ended = session.connection;

	session.connection = null;
	session.loaded = false;
	ended.close();
	emit('forget');
	open(options);
}

/* There are so many that the page would be busy with what it doesn't keep. */
function countHistory({ at }) {
	if (!history || Date.parse(at) > history.opened) {
		history = null;
		return;
	}
	history.first ??= Date.parse(at);
	if (++history.count > MOST)
		restart({ since: new Date(Math.max(Date.now() - (Date.parse(at) - history.first) / 2, (history.from + history.opened) / 2)) });
}

function open(options) {
	const connection = connect({ url: `${location.origin}/ws`, token: session.token, ...options });
	const mine = (listener) => (value) => connection === session.connection && listener(value);

	history = { opened: Date.now(), from: options.since?.getTime() ?? 0, count: 0 };
	session.connection = connection;
	session.historySince = options.since ?? null;
	connection.on('state', mine(showState));
	connection.on('ready', mine(ready));
	connection.on('resync', mine(({ oldest }) => {
		if (!options.position && options.since && history?.count === 0) {
			restart({ position: { stream: connection.session.stream, seq: oldest - 1 } });	/* all there is */
			return;
		}
		tell('The connection was away for too long: the feed lacks events here.');
		emit('gap');
		emit('load');
	}));
	connection.on('event', mine((event) => {
		countHistory(event);
		if (connection === session.connection)
			emit('event', event);
	}));
	connection.on('error', mine((error) => tell(error.message)));
	connection.on('close', mine((error) => signOut(error ? `${error.message} (${error.code})` : '')));
	showState('connecting');
}

function ready({ resumed }) {
	tell('');
	$('#door').hidden = true;
	$('nav').hidden = false;
	showState('open');
	if (!session.loaded || !resumed)
		emit('load');
	session.loaded = true;
}

/* ---- in and out ---- */

export function signIn(given) {
	if (session.connection)
		signOut('');
	session.token = given.trim();
	session.loaded = false;
	sessionStorage.setItem('bugevents token', session.token);
	tell('');
	open({ since: new Date(Date.now() - 1000 * chosen()) });
}

export function signOut(why) {
	const ended = session.connection;

	sessionStorage.removeItem('bugevents token');
	Object.assign(session, { connection: null, token: null, historySince: null });
	ended?.close();
	emit('forget');
	for (const section of document.querySelectorAll('main section'))
		section.hidden = section.id !== 'door';
	$('nav').hidden = true;
	adjust(Object.fromEntries(['event', 'bug', 'as'].map((name) => [name, ''])));
	tell(why);
	showState('closed');
	$('#token').focus();
}

/* Another history was chosen. */
let since = '';

export function followHistory() {
	if (asked('since') === since)
		return;
	since = asked('since');
	if (session.connection)
		restart({ since: new Date(Date.now() - 1000 * chosen()) });
}

const STATES = {
	connecting: 'connecting', open: 'live', waiting: 'disconnected, coming back', offline: 'offline, trying each minute', closed: 'not connected'
};

function showState(state) {
	const { session: known } = session.connection ?? {};

	$('#state').dataset.state = state;
	$('#state').textContent = STATES[state] + (state === 'open' && known ? ` as ${known.user_id} (${known.role})` : '');
}

/* A link may bring a token, also to a page that is open. */
export function start() {
	const token = begin(signIn) ?? sessionStorage.getItem('bugevents token');

	since = asked('since');
	onAddress(followHistory);
	if (token)
		signIn(token);
}

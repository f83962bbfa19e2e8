/*
 * console.js - the live console: what happens, the bugs by status, how the server is.
 *
 * Model: the client (bugevents.js) hands over events; they are kept in a list, the newest
 * KEPT of them, and shown as far as the filter lets them, SHOWN at most, once for each frame of
 * the screen.  The board is loaded by list, and follows by events.  The server's numbers are
 * /metrics, asked for every two seconds while they are looked at, and for admins who is connected.
 *
 * Whatever comes from the database becomes text, never markup.
 */
import { connect, passes } from './bugevents.js';

const KEPT = 10000;
const SHOWN = 300;
const CARDS = 100;				/* in a column of the board */
const MOVED_MS = 3000;			/* for so long a bug is marked that has moved */
const SAMPLES = 60;
const SAMPLE_MS = 2000;

const $ = (selector) => document.querySelector(selector);

function element(name, properties = {}, ...children) {
	const node = Object.assign(document.createElement(name), properties);

	node.append(...children);
	return node;
}

/* As replaceChildren; but what stays is not moved, so that it keeps the focus. */
function arrange(parent, nodes) {
	const wanted = new Set(nodes);

	for (const child of [...parent.children])
		if (!wanted.has(child))
			child.remove();
	nodes.forEach((node, i) => {
		if (parent.children[i] !== node)
			parent.insertBefore(node, parent.children[i] ?? null);
	});
}

/* ---- one picture for each frame ---- */

const due = new Set();

function soon(draw) {
	if (due.size === 0)
		requestAnimationFrame(() => {
			const now = [...due];

			due.clear();
			for (const one of now)
				one();
		});
	due.add(draw);
}

/* ---- the connection ---- */

let connection = null;
let token = null;

function signIn(given) {
	if (connection)
		signOut('');
	token = given.trim();
	sessionStorage.setItem('bugevents token', token);
	$('#refusal').textContent = '';
	connection = connect({ url: `${location.origin}/ws`, token });
	connection.on('state', showState);
	connection.on('ready', (session) => {
		$('#refusal').textContent = '';
		$('#door').hidden = true;
		$('nav').hidden = false;
		if (!currentView())
			show('feed');
		showState('open');
		if (!session.resumed)
			load();
	});
	connection.on('resync', () => {
		$('#refusal').textContent = 'The connection was away for too long: the feed lacks events here.';
		load();
	});
	connection.on('event', take);
	connection.on('error', (error) => { $('#refusal').textContent = error.message; });
	connection.on('close', (error) => connection && signOut(error ? `${error.message} (${error.code})` : ''));
	showState('connecting');
}

/* Nothing of what was seen stays for whoever signs in next. */
function forget() {
	for (const kept of [events, samples])
		kept.length = 0;
	for (const kept of [bugs, told, alerts])
		kept.clear();
	received = 0;
	paused = null;
	$('#pause').setAttribute('aria-pressed', 'false');
	$('#detail').close();
	for (const place of ['#events', '#columns', '#told', '#numbers', '#alerts', '#connected tbody', '#troubles tbody', '#detail-fields'])
		$(place).replaceChildren();
}

function signOut(why) {
	const ended = connection;

	sessionStorage.removeItem('bugevents token');
	token = null;
	connection = null;
	ended?.close();
	forget();
	for (const section of document.querySelectorAll('main section'))
		section.hidden = section.id !== 'door';
	$('nav').hidden = true;
	$('#refusal').textContent = why;
	showState('closed');
	$('#token').focus();
}

function showState(state) {
	const names = { connecting: 'connecting', open: 'live', waiting: 'disconnected, coming back', offline: 'offline, trying each minute', closed: 'not connected' };
	const session = connection?.session;

	$('#state').dataset.state = state;
	$('#state').textContent = names[state] + (state === 'open' && session ? ` as ${session.user_id} (${session.role})` : '');
}

/* ---- views ---- */

function currentView() {
	return [...document.querySelectorAll('main section')].find((section) => !section.hidden && section.id !== 'door')?.id;
}

function show(view) {
	$('#refusal').textContent = '';
	for (const section of document.querySelectorAll('main section'))
		section.hidden = section.id !== view;
	for (const button of document.querySelectorAll('nav [data-view]'))
		button.setAttribute('aria-current', button.dataset.view === view ? 'page' : 'false');
	if (view === 'server')
		sample();
	for (const draw of [drawFeed, drawBoard, drawTold])
		soon(draw);
}

/* ---- the feed ---- */

const events = [];				/* the newest last */
let paused = null;				/* while paused: how many there were */
let received = 0;

function take(event) {
	events.push(event);
	received++;
	if (events.length > KEPT) {
		const gone = events.splice(0, events.length - KEPT).length;

		if (paused !== null)
			paused = Math.max(0, paused - gone);
	}
	addOption($('#by-type'), event.type);
	addOption($('#by-action'), event.action);
	soon(drawFeed);
	follow(event);
	tell(event);
	warn(event);
}

function addOption(select, value) {
	if (![...select.options].some((option) => option.value === value))
		select.append(element('option', { value, textContent: value }));
}

function filter() {
	const list = (selector) => $(selector).value.trim() ? [$(selector).value.trim()] : [];

	return { types: list('#by-type'), actions: list('#by-action'), project_ids: list('#by-project'), bug_report_ids: list('#by-bug') };
}

function titleOf({ payload = {} }) {
	return payload.title ?? payload.name ?? payload.username ?? payload.content ?? payload.message ?? JSON.stringify(payload);
}

function lineOf(event) {
	const id = event.payload?.id;
	const line = element('li', {}, element('button', { type: 'button', onclick: () => showDetail(event) },
		element('time', { dateTime: event.at, textContent: new Date(event.at).toLocaleTimeString() }),
		element('span', { className: 'what', textContent: `${event.type} ${event.action}` }),
		element('span', { className: 'title', textContent: (id === undefined ? '' : `#${id} `) + titleOf(event) })));

	line.dataset.seq = event.seq;
	return line;
}

/* Only lines that aren't there yet are made. */
function drawFeed() {
	if ($('#feed').hidden)
		return;
	const wanted = filter();
	const until = paused ?? events.length;
	const lines = [];

	for (let i = until - 1; i >= 0 && lines.length < SHOWN; i--)
		if (passes(wanted, events[i]))
			lines.push(events[i]);
	const there = new Map([...$('#events').children].map((line) => [Number(line.dataset.seq), line]));

	arrange($('#events'), lines.map((event) => there.get(event.seq) ?? lineOf(event)));
	$('#nothing').hidden = lines.length > 0;
	$('#count').textContent = `${received.toLocaleString()} events${paused === null ? '' : `, ${events.length - until} while paused`}`;
}

function text(value) {
	return value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function showDetail(event) {
	const changes = event.changes ?? {};

	$('#detail-title').textContent = `${event.type} ${event.action}`;
	$('#detail-when').textContent = `seq ${event.seq}, transaction ${event.tx?.id} (${event.tx?.n} of ${event.tx?.of}), ${new Date(event.at).toLocaleString()}`;
	$('#detail-fields').replaceChildren(...Object.keys({ ...event.payload, ...changes }).map((field) =>
		element('tr', { className: field in changes ? 'changed' : '' },
			element('td', { textContent: field }),
			element('td', { textContent: field in changes ? text(changes[field][0]) : '' }),
			element('td', { textContent: field in changes ? text(changes[field][1]) : text(event.payload[field]) }))));
	$('#detail').showModal();
}

/* ---- the board ---- */

const bugs = new Map();			/* id -> { row, seq, moved }; row null: it is gone, and what was read before doesn't bring it back */

function put(row, seq) {
	const known = bugs.get(row.id);

	if (known && known.seq >= seq)
		return;
	const moves = known?.row && known.row.status !== row.status;

	if (moves)
		setTimeout(() => soon(drawBoard), MOVED_MS);
	bugs.set(row.id, { row, seq, moved: moves ? Date.now() : known?.moved ?? 0 });
	soon(drawBoard);
}

function follow({ type, action, payload, seq }) {
	if (type !== 'bug_report')
		return;
	if (action === 'truncated' || action === 'reload')
		load();
	else if (action === 'deleted' || action === 'moved_out')
		bugs.set(payload.id, { row: null, seq });
	else if (payload.id !== undefined)
		put(payload, seq);
	soon(drawBoard);
}

/* All that is not told by events. */
async function load() {
	const mine = connection;

	bugs.clear();
	told.clear();
	try {
		for await (const { row, asOf } of mine.list('bug_report', { limit: 1000 }))
			put(row, asOf);
		for (const row of (await mine.request('list', { type: 'notification', limit: TOLD })).items)
			if (!told.has(row.id))
				told.set(row.id, row);	/* else an event was quicker */
	} catch (error) {
		if (error.code !== 'disconnected')
			$('#refusal').textContent = error.message;
	}
	soon(drawTold);
}

function cardOf({ row, moved }) {
	const late = Date.now() - moved < MOVED_MS;

	return element('li', { className: late ? 'moved' : '', textContent: `#${row.id} ${row.title}` });
}

function drawBoard() {
	if ($('#board').hidden)
		return;
	const columns = new Map();

	for (const bug of [...bugs.values()].filter(({ row }) => row)) {
		const status = text(bug.row.status) || 'none';

		if (!columns.has(status))
			columns.set(status, []);
		columns.get(status).push(bug);
	}
	$('#columns').replaceChildren(...[...columns].sort(([a], [b]) => a < b ? -1 : 1).map(([status, list]) => {
		list.sort((a, b) => b.seq - a.seq);
		const more = list.length > CARDS ? [element('li', { textContent: `and ${list.length - CARDS} more` })] : [];

		return element('section', { className: 'column' }, element('h3', { textContent: `${status} (${list.length})` }),
			element('ul', {}, ...list.slice(0, CARDS).map(cardOf), ...more));
	}));
}

/* ---- notifications ---- */

const TOLD = 100;				/* that are kept */
const told = new Map();			/* id -> row */
const toldLines = new WeakMap();	/* row -> its line */

function tell({ type, action, payload }) {
	if (type !== 'notification')
		return;
	if (action === 'deleted')
		told.delete(payload.id);
	else
		told.set(payload.id, payload);
	soon(drawTold);
}

async function markRead(type, payload) {
	try {
		await connection.request(type, payload);	/* the event that follows changes the row */
	} catch (error) {
		$('#refusal').textContent = error.message;
	}
}

function toldOf(row) {
	if (toldLines.has(row))
		return toldLines.get(row);
	const button = element('button', { type: 'button', textContent: 'Mark as read', hidden: row.read,
		onclick: () => markRead('read', { notification_id: row.id }) });

	const line = element('li', { className: row.read ? '' : 'unread' },
		element('p', {}, element('b', { textContent: row.title ?? row.type }), ` ${row.message}${row.count > 1 ? ` (${row.count} times)` : ''}`),
		button, element('time', { dateTime: row.created_at, textContent: new Date(row.created_at).toLocaleString() }));

	toldLines.set(row, line);
	return line;
}

function drawTold() {
	const rows = [...told.values()].sort((a, b) => b.id - a.id).slice(0, TOLD);
	const unread = rows.filter((row) => !row.read).length;

	$('#unread').textContent = unread;
	$('#unread').hidden = unread === 0;
	$('#read-all').disabled = unread === 0;
	$('#untold').hidden = rows.length > 0;
	if (!$('#notifications').hidden)
		arrange($('#told'), rows.map(toldOf));
}

/* ---- alerts and connections, for admins ---- */

const alerts = new Map();		/* name -> event */

function warn(event) {
	if (event.type !== 'alert')
		return;
	alerts.set(event.payload.name, event);
	soon(drawAlerts);
}

/* Whether one is raised the metrics say, also of one that is older than this page; its event says more. */
function alertOf(name, raised) {
	const event = alerts.get(name);
	const state = raised ? 'raised' : 'cleared';
	const more = event?.action === state ? ` ${new Date(event.at).toLocaleTimeString()}: ${event.payload.value} (threshold ${event.payload.threshold})` : '';

	return element('li', { className: state, textContent: `${name} ${state}${more}` });
}

function drawAlerts() {
	const states = new Map([...alerts].map(([name, { action }]) => [name, action === 'raised']));

	for (const [metric, value] of samples[samples.length - 1]?.metrics ?? []) {
		const name = metric.match(/^bugevents_alerts\{name="(.*)"\}$/)?.[1];

		if (name && (value > 0 || states.has(name)))
			states.set(name, value > 0);
	}
	$('#no-alerts').hidden = states.size > 0 || samples.length === 0;
	$('#alerts').replaceChildren(...[...states].map(([name, raised]) => alertOf(name, raised)));
}

/* What is told of a connection, by column. */
const CONNECTED = [
	(one) => one.user_id, (one) => one.role, (one) => one.address,
	(one) => new Date(one.connected_at).toLocaleTimeString(), (one) => one.lag, (one) => one.sent
];

async function disconnect(id) {
	try {
		await connection.request('disconnect', { connection_id: id });
	} catch (error) {
		$('#refusal').textContent = error.message;
	}
	sample();
}

function connectedOf(one) {
	const line = element('tr', {}, ...CONNECTED.map(() => element('td')),
		element('td', {}, one.id === connection.session?.connection_id ? 'this one' :
			element('button', { type: 'button', textContent: `Disconnect user ${one.user_id}`, onclick: () => disconnect(one.id) })));

	line.dataset.id = one.id;
	return line;
}

function drawConnections(items) {
	const body = $('#connected tbody');
	const there = new Map([...body.children].map((line) => [line.dataset.id, line]));

	items.sort((a, b) => a.connected_at < b.connected_at ? -1 : 1);
	arrange(body, items.map((one) => {
		const line = there.get(one.id) ?? connectedOf(one);

		CONNECTED.forEach((value, i) => { line.cells[i].textContent = text(value(one)); });
		return line;
	}));
}

/* ---- the server's numbers ---- */

const samples = [];
let sampling = null;

function readMetrics(body) {
	const metrics = new Map();

	for (const [, name, value] of body.matchAll(/^([a-z_]+(?:\{[^}]*\})?) (\S+)$/gm))
		metrics.set(name, Number(value));
	return metrics;
}

async function sample() {
	const mine = connection;

	clearTimeout(sampling);
	if ($('#server').hidden || !mine)
		return;
	try {
		const answer = await fetch('/metrics', { headers: { Authorization: `Bearer ${token}` }, cache: 'no-store' });
		const body = answer.ok ? await answer.text() : null;
		const { items } = mine.session?.role === 'admin' ? await mine.request('connections', { limit: 100 }).catch(() => ({})) : { items: [] };

		if (mine !== connection)
			return;				/* signed out meanwhile */
		$('#not-admin').hidden = answer.status !== 401;
		if (items)
			drawConnections(items);
		if (body !== null) {
			samples.push({ at: performance.now(), metrics: readMetrics(body) });
			samples.splice(0, samples.length - SAMPLES);
			drawServer();
		}
	} catch {
		/* the server is away; the state says so */
	}
	clearTimeout(sampling);
	sampling = setTimeout(sample, SAMPLE_MS);
}

const at = (sampled, name) => sampled.metrics.get(name) ?? 0;

/* What a counter grew by; after a restart of the server it begins anew. */
const grown = (one, before, name) => at(one, name) >= at(before, name) ? at(one, name) - at(before, name) : at(one, name);

function perSecond(name) {
	return samples.slice(1).map((one, i) => grown(one, samples[i], name) * 1000 / (one.at - samples[i].at));
}

/* The bound of the bucket that holds this share of what came since the sample before, in ms. */
function quantile(share) {
	return samples.slice(1).map((one, i) => {
		const bucket = /^bugevents_delivery_seconds_bucket\{le="(.*)"\}$/;
		const anew = at(one, 'bugevents_delivery_seconds_count') < at(samples[i], 'bugevents_delivery_seconds_count');
		const counts = [...one.metrics.keys()].filter((name) => bucket.test(name))
			.map((name) => [Number(name.match(bucket)[1].replace('+Inf', 'Infinity')), at(one, name) - (anew ? 0 : at(samples[i], name))]);
		const all = counts[counts.length - 1]?.[1] ?? 0;

		return all === 0 ? 0 : 1000 * Math.min(60, counts.find(([, count]) => count >= share * all)[0]);
	});
}

function size(bytes) {
	const units = ['B', 'kB', 'MB', 'GB', 'TB'];
	let i = 0;

	for (; bytes >= 1000 && i < units.length - 1; i++)
		bytes /= 1000;
	return `${bytes.toFixed(i && bytes < 10 ? 1 : 0)} ${units[i]}`;
}

function chart(values) {
	const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
	const top = Math.max(...values, 1e-9);

	svg.setAttribute('viewBox', `0 0 ${SAMPLES} 20`);
	svg.setAttribute('preserveAspectRatio', 'none');
	svg.setAttribute('aria-hidden', 'true');
	line.setAttribute('points', values.map((value, i) => `${i + SAMPLES - values.length},${19 - 18 * value / top}`).join(' '));
	svg.append(line);
	return svg;
}

function drawServer() {
	const last = samples[samples.length - 1];
	const gauge = (name) => samples.map((one) => at(one, name));
	const round = (value) => Math.round(value).toLocaleString();
	const numbers = [
		['connections', gauge('bugevents_connections'), round],
		['clients that lag', gauge('bugevents_lagging_clients'), round],
		['deliveries a second', perSecond('bugevents_events_delivered_total'), round],
		['bytes sent a second', perSecond('bugevents_bytes_sent_total'), size],
		['delay of half, at most, ms', quantile(0.5), (ms) => `${ms}`],
		['delay of 99 %, at most, ms', quantile(0.99), (ms) => `${ms}`],
		['in the queue', gauge('bugevents_queue_bytes'), size],
		['transactions that found it full', gauge('bugevents_queue_overflows_total'), round],
		['journal', gauge('bugevents_journal_bytes'), size],
		['oldest in the journal, s', gauge('bugevents_journal_oldest_seconds'), round],
		['projector behind, events', gauge('bugevents_projector_lag_seq'),
			(lag) => last.metrics.get('bugevents_projector_up') === 0 ? 'it does not run' : round(lag)]
	];

	$('#numbers').replaceChildren(...numbers.map(([name, values, write]) => element('div', { className: 'number' },
		element('span', { textContent: name }), element('b', { textContent: values.length ? write(values[values.length - 1]) : '...' }),
		chart(values))));
	drawAlerts();
	$('#troubles tbody').replaceChildren(...[...last.metrics].filter(([name, value]) => value > 0 && /_(errors|security_events)_total/.test(name))
		.map(([name, value]) => element('tr', {}, element('td', { textContent: name.replace(/^bugevents_(.*)_total\{.*="(.*)"\}$/, '$1: $2') }),
			element('td', { textContent: value.toLocaleString() }))));
}

/* ---- what one can do ---- */

$('#sign-in').addEventListener('submit', (submit) => {
	submit.preventDefault();
	if ($('#token').value.trim())
		signIn($('#token').value);
	$('#token').value = '';
});
$('#leave').addEventListener('click', () => signOut(''));
$('#filter').addEventListener('input', () => soon(drawFeed));
$('#filter').addEventListener('submit', (submit) => submit.preventDefault());
$('#pause').addEventListener('click', () => {
	paused = paused === null ? events.length : null;
	$('#pause').setAttribute('aria-pressed', String(paused !== null));
	soon(drawFeed);
});
$('#clear').addEventListener('click', () => {
	events.length = 0;
	paused = paused === null ? null : 0;
	soon(drawFeed);
});
$('#read-all').addEventListener('click', () => markRead('read_all'));
for (const button of document.querySelectorAll('nav [data-view]'))
	button.addEventListener('click', () => show(button.dataset.view));

/* A link may bring a token, also to a page that is open; it doesn't stay in the address. */
function bring() {
	const brought = new URLSearchParams(location.hash.slice(1)).get('token');

	if (brought)
		history.replaceState(null, '', location.pathname);
	return brought;
}

addEventListener('hashchange', () => {
	const brought = bring();

	if (brought)
		signIn(brought);
});
const known = bring() ?? sessionStorage.getItem('bugevents token');

if (known)
	signIn(known);

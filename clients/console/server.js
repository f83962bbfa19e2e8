/*
 * server.js - how the server is, for admins: its numbers, its alerts, who is connected.
 *
 * Model: /metrics and the connections, asked for every two seconds while they are looked at.
 */
import { onAddress } from './address.js';
import { $, arrange, bytes, element, soon, text } from './dom.js';
import { on, request, session } from './session.js';

const SAMPLES = 60;
const SAMPLE_MS = 2000;

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
	await request('disconnect', { connection_id: id });
	sample();
}

function connectedOf(one) {
	const line = element('tr', {}, ...CONNECTED.map(() => element('td')),
		element('td', {}, one.id === session.connection?.session?.connection_id ? 'this one' :
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

export async function sample() {
	const mine = session.connection;

	clearTimeout(sampling);
	if ($('#server').hidden || !mine)
		return;
	try {
		const answer = await fetch('/metrics', { headers: { Authorization: `Bearer ${session.token}` }, cache: 'no-store' });
		const body = answer.ok ? await answer.text() : null;
		const { items } = mine.session?.role === 'admin' ? await mine.request('connections', { limit: 100 }).catch(() => ({})) : { items: [] };

		if (mine !== session.connection)
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
		['bytes sent a second', perSecond('bugevents_bytes_sent_total'), bytes],
		['delay of half, at most, ms', quantile(0.5), (ms) => `${ms}`],
		['delay of 99 %, at most, ms', quantile(0.99), (ms) => `${ms}`],
		['in the queue', gauge('bugevents_queue_bytes'), bytes],
		['transactions that found it full', gauge('bugevents_queue_overflows_total'), round],
		['journal', gauge('bugevents_journal_bytes'), bytes],
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

export function startServer() {
	onAddress(() => soon(sample));
	on('load', () => soon(sample));
	on('event', warn);
	on('forget', () => {
		samples.length = 0;
		alerts.clear();
		for (const place of ['#numbers', '#alerts', '#connected tbody', '#troubles tbody'])
			$(place).replaceChildren();
	});
}

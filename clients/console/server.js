/*
 * server.js - how the server is, for admins: asked for over the connection, so behind any proxy.
 *
 * Model: one request has all that is shown, each five seconds while it is looked at; what is wrong is asked for in every view.
 */
import { asked, onAddress } from './address.js';
import { showAlerts, startAlerts } from './alerts.js';
import { addSamples, drawCharts, forgetSamples, lastSample, startCharts } from './charts.js';
import { drawConnections, startConnections } from './connections.js';
import { $, element, soon, text } from './dom.js';
import { isAdmin, on, session } from './session.js';

const INTERVAL = 5000;			/* ms */
const INTERVAL_ELSEWHERE = 30000;
const MOST = 200;				/* connections, attachments */

let timer = null;
let running = 0;				/* which request is the last one */

const row = (...cells) => element('tr', {}, ...cells.map((cell, i) => element(i ? 'td' : 'th', i ? {} : { scope: 'row' }, cell)));

/* ---- what is in tables ---- */

function drawTroubles(metrics) {
	const troubles = metrics.filter(({ name, value }) => value > 0 && /_(errors|security_events|refused)_total$/.test(name));

	$('#troubles tbody').replaceChildren(...troubles.map(({ name, labels, value }) =>
		row(`${name.replace(/^bugevents_(.*)_total$/, '$1').replaceAll('_', ' ')}${labels ? `: ${labels.replace(/^.*="(.*)"$/, '$1')}` : ''}`, value.toLocaleString())));
	$('#no-troubles').hidden = troubles.length > 0;
}

const ms = (value) => value === null ? '' : `${Number(value.toPrecision(3)).toLocaleString()} ms`;

function drawAttachments(attachments) {
	$('#attached tbody').replaceChildren(...attachments.map((one) => row(one.tbl, one.entity, text(one.evaluated?.toLocaleString()), ms(one.evaluation_ms), ms(one.slowest_ms),
		`${one.errors ?? 0}${one.timeouts ? `, ${one.timeouts} too slow` : ''}${one.suspended ? ', suspended' : ''}`, one.last_error_at === null ? '' : new Date(one.last_error_at).toLocaleString())));
}

/* ---- asking ---- */

async function sample() {
	const { connection } = session;
	const turn = ++running;
	const here = !$('#server').hidden;

	clearTimeout(timer);
	if (!connection?.session || !isAdmin())
		return;
	const reply = await connection.request('inspect', here ?
		{ parts: ['alerts', 'samples', 'connections', 'attachments', 'metrics'], limit: MOST, ...lastSample() ? { since: lastSample() } : {} } :
		{ parts: ['alerts'] }).catch(() => null);	/* the server is away: the state says so */

	if (connection !== session.connection || turn !== running)
		return;					/* somebody else asks, later */
	timer = setTimeout(sample, here ? INTERVAL : INTERVAL_ELSEWHERE);
	if (!reply)
		return;
	showAlerts(reply.alerts);
	if (!here)
		return;
	addSamples(reply.samples);
	drawCharts();
	drawConnections(reply.connections);
	drawAttachments(reply.attachments);
	drawTroubles(reply.metrics);
}

let shown = '';

function look() {
	const here = asked('view') === 'server';

	$('#not-admin').hidden = isAdmin();
	$('#of-server').hidden = !isAdmin();
	if (here && shown !== asked('view'))
		sample();
	else if (here) {
		drawCharts();
		drawConnections();
	}
	shown = asked('view');
}

export function startServer() {
	startAlerts(() => soon(sample));
	startCharts();
	startConnections();
	onAddress(() => soon(look));
	on('load', () => {
		shown = '';
		soon(look);
		soon(sample);
	});
	on('forget', () => {
		clearTimeout(timer);
		running++;
		shown = '';
		forgetSamples();
		drawCharts();
		drawConnections([]);
		for (const place of ['#attached tbody', '#troubles tbody'])
			$(place).replaceChildren();
	});
}

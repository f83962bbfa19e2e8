/*
 * alerts.js - what is wrong, in every view: since when, by how much, and what to do.
 */
import { $, element, text } from './dom.js';
import { on } from './session.js';

const cleared = new Map();		/* name -> event, of those that were seen */
let alerts = [];

const round = (value) => Number(value.toPrecision(3)).toLocaleString();

function raisedNode({ name, since, value, threshold, advice }) {
	return element('li', { className: 'raised' }, element('b', { textContent: name.replaceAll('_', ' ') }),
		` since ${new Date(since).toLocaleString()}: ${round(value)}${threshold === null ? '' : ` (threshold ${round(threshold)})`}. `, element('span', { textContent: text(advice) }));
}

function clearedNode({ at, payload }) {
	return element('li', { className: 'cleared', textContent: `${payload.name.replaceAll('_', ' ')}: over since ${new Date(at).toLocaleString()}` });
}

export function showAlerts(now) {
	const raised = now.filter((alert) => alert.raised);

	alerts = now;
	$('#alarm').hidden = raised.length === 0;
	if (JSON.stringify(raised) !== $('#alarm').dataset.shown)
		$('#alarm-list').replaceChildren(...raised.map(raisedNode));
	$('#alarm').dataset.shown = JSON.stringify(raised);
	$('#alerts').replaceChildren(...[...cleared.values()].filter(({ payload }) => !raised.some(({ name }) => name === payload.name)).map(clearedNode));
	$('#no-alerts').textContent = raised.length > 0 ? `${raised.length} raised, see the top of the page.` : alerts.length > 0 ? 'None is raised.' : '';
}

export function startAlerts(ask) {
	on('event', (event) => {
		if (event.type !== 'alert')
			return;
		if (event.action === 'cleared')
			cleared.set(event.payload.name, event);
		ask();
	});
	on('forget', () => {
		cleared.clear();
		$('#alarm-list').replaceChildren();
		delete $('#alarm').dataset.shown;
		showAlerts([]);
	});
}

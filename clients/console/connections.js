/*
 * connections.js - who is connected, how far behind, with which subscription; and to end that.
 */
import { adjust, asked } from './address.js';
import { $, arrange, element, span, text } from './dom.js';
import { nameNode, textOf } from './names.js';
import { request, session } from './session.js';

const short = (json) => json === null || JSON.stringify(json) === '{}' ? 'everything' : JSON.stringify(json);
const ago = (at) => span((Date.now() - Date.parse(at)) / 1000);
const until = (at) => at === null ? '' : `${span(Math.max(0, (Date.parse(at) - Date.now()) / 1000))} more`;
const behind = ({ lag, behind_seconds: seconds }) => lag === 0 ? 'nothing' : `${lag.toLocaleString()} events${seconds === null ? '' : `, ${span(seconds)}`}`;

/* What is told of a connection, by column behind the user's name. */
const COLUMNS = [
	(one) => one.role, (one) => `${one.address} ${text(one.protocol)}`, (one) => ago(one.connected_at), (one) => until(one.expires_at), behind,
	(one) => one.sent.toLocaleString(), (one) => short(one.subscription)
];

let all = [];

/* ---- ending one ---- */

function ask(one) {
	$('#confirm-what').replaceChildren('End the connection of ', nameNode('user', one.user_id), ` from ${one.address}? Clients come back by themselves, unless their token ends.`);
	$('#confirm').returnValue = '';
	$('#confirm').onclose = async () => {
		if ($('#confirm').returnValue === 'yes')
			await request('disconnect', { connection_id: one.id });
	};
	$('#confirm').showModal();
}

/* ---- the table ---- */

function lineOf(one) {
	const isOurs = one.id === session.connection?.session?.connection_id;

	return element('tr', { dataset: { id: one.id } }, element('th', { scope: 'row' }, nameNode('user', one.user_id)), ...COLUMNS.map(() => element('td')),
		element('td', {}, isOurs ? 'this one' : element('button', { type: 'button', ariaLabel: `End the connection of user ${one.user_id}`, textContent: 'End', onclick: () => ask(one) })));
}

function wanted(one) {
	const words = asked('connection').toLowerCase().split(/\s+/).filter(Boolean);
	const written = `${one.user_id} ${textOf('user', one.user_id)} ${COLUMNS.map((value) => value(one)).join(' ')}`.toLowerCase();

	return words.every((word) => written.includes(word));
}

export function drawConnections(items = all) {
	const body = $('#connected tbody');
	const there = new Map([...body.children].map((line) => [line.dataset.id, line]));

	all = items;
	if ($('#by-connection') !== document.activeElement)
		$('#by-connection').value = asked('connection');
	arrange(body, items.filter(wanted).map((one) => {
		const line = there.get(one.id) ?? lineOf(one);

		COLUMNS.forEach((value, i) => { line.cells[i + 1].textContent = value(one); });
		return line;
	}));
}

export function startConnections() {
	$('#by-connection').addEventListener('input', () => adjust({ connection: $('#by-connection').value }));
}

/*
 * notifications.js - one's own notifications, the newest first.
 */
import { onAddress } from './address.js';
import { $, arrange, element, soon, tell } from './dom.js';
import { on, request, session } from './session.js';

const KEPT = 100;

const rows = new Map();			/* by id */
const lines = new WeakMap();	/* row -> its line */

function take({ type, action, payload }) {
	if (type !== 'notification')
		return;
	if (action === 'deleted')
		rows.delete(payload.id);
	else
		rows.set(payload.id, payload);
	soon(draw);
}

async function load() {
	const mine = session.connection;

	rows.clear();
	try {
		for (const row of (await mine.request('list', { type: 'notification', limit: KEPT })).items)
			if (mine === session.connection && !rows.has(row.id))
				rows.set(row.id, row);	/* else an event was quicker */
	} catch (error) {
		if (error.code !== 'disconnected')
			tell(error.message);
	}
	soon(draw);
}

/* The event that follows changes the row. */
function lineOf(row) {
	if (lines.has(row))
		return lines.get(row);
	const button = element('button', { type: 'button', textContent: 'Mark as read', hidden: row.read, onclick: () => request('read', { notification_id: row.id }) });
	const line = element('li', { className: row.read ? '' : 'unread' },
		element('p', {}, element('b', { textContent: row.title ?? row.type }), ` ${row.message}${row.count > 1 ? ` (${row.count} times)` : ''}`),
		button, element('time', { dateTime: row.created_at, textContent: new Date(row.created_at).toLocaleString() }));

	lines.set(row, line);
	return line;
}

function draw() {
	const newest = [...rows.values()].sort((a, b) => b.id - a.id).slice(0, KEPT);
	const unread = newest.filter((row) => !row.read).length;

	$('#unread').textContent = unread;
	$('#unread').hidden = unread === 0;
	$('#read-all').disabled = unread === 0;
	$('#untold').hidden = newest.length > 0;
	if (!$('#notifications').hidden)
		arrange($('#told'), newest.map(lineOf));
}

export function startNotifications() {
	$('#read-all').addEventListener('click', () => request('read_all', {}));
	onAddress(() => soon(draw));
	on('event', take);
	on('load', load);
	on('forget', () => {
		rows.clear();
		$('#told').replaceChildren();
	});
}

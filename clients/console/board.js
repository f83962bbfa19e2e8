/*
 * board.js - the bugs by status, as they are now.
 *
 * Model: rows are read when the board is looked at first, and kept current by events.  Columns stay when they are empty; their order is what was chosen,
 * or else that of WORK, with what is open before what is closed.
 */
import { asked, adjust, go, onAddress } from './address.js';
import { $, choices, element, soon, tell, text } from './dom.js';
import { withAsked } from './feed.js';
import { learn, nameNode, onNames, textOf } from './names.js';
import { on, session } from './session.js';

const CARDS = 100;				/* in a column */
const MOST = 10000;				/* bugs that are read */
const MOVED_MS = 3000;			/* for so long a bug is marked that has moved */

const WORK = ['new', 'unconfirmed', 'triage', 'triaged', 'backlog', 'open', 'reopened', 'todo', 'assigned', 'in_progress', 'in progress', 'started', 'blocked', 'review', 'in_review', 'testing'];
const DONE = ['fixed', 'resolved', 'verified', 'done', 'wontfix', 'duplicate', 'rejected', 'closed', 'archived'];
const URGENCY = ['blocker', 'critical', 'urgent', 'highest', 'high', 'major', 'medium', 'normal', 'minor', 'low', 'lowest', 'trivial'];

const bugs = new Map();			/* id -> { row, seq, moved }; row null: it is gone, and what was read before doesn't bring it back */
const statuses = new Set();		/* that there are or were */
let loaded = false;
let isComplete = false;
let isPartial = false;

/* ---- the rows ---- */

function put(row, seq) {
	const known = bugs.get(row.id);

	if (known && known.seq >= seq)
		return;
	const moves = isComplete && known?.row && known.row.status !== row.status;

	if (moves)
		setTimeout(() => soon(drawBoard), MOVED_MS);
	statuses.add(statusOf(row));
	bugs.set(row.id, { row, seq, moved: moves ? Date.now() : known?.moved ?? 0 });
	soon(drawBoard);
}

function remove(id, seq) {
	if (!(bugs.get(id)?.seq >= seq))
		bugs.set(id, { row: null, seq });
}

function follow({ type, action, payload, changes, seq }) {
	if (type !== 'bug_report' || (!loaded && action !== 'deleted' && action !== 'moved_out'))
		return;
	if (changes?.status)
		statuses.add(text(changes.status[0]) || 'none');
	if (action === 'truncated' || action === 'reload')
		soon(reload);
	else if (action === 'deleted' || action === 'moved_out')
		remove(payload.id, seq);
	else if (payload.id !== undefined)
		put(payload, seq);
	soon(drawBoard);
}

async function load() {
	const { connection } = session;
	let count = 0;

	if (!connection || loaded)
		return;
	loaded = true;
	try {
		for await (const { row, asOf } of connection.list('bug_report')) {
			if (connection !== session.connection)
				return;
			isPartial = ++count > MOST;
			if (isPartial)
				break;
			learn({ type: 'bug_report', payload: row });
			put(row, asOf);
		}
		isComplete = true;
	} catch (error) {
		loaded = loaded && error.code !== 'disconnected';
		if (error.code !== 'disconnected')
			tell(error.message);
	}
	soon(drawBoard);
}

function reload() {
	loaded = false;
	isComplete = false;
	bugs.clear();
	if (!$('#board').hidden)
		load();
}

/* ---- the columns ---- */

const statusOf = (row) => text(row.status) || 'none';

function rank(status) {
	const name = status.toLowerCase();

	return WORK.includes(name) ? WORK.indexOf(name) : DONE.includes(name) ? 200 + DONE.indexOf(name) : 100;
}

/* What was chosen, in the address or earlier in this browser; what is new goes to its usual place. */
function order() {
	const chosen = (asked('columns') || localStorage.getItem('bugevents columns') || '').split(',').filter(Boolean);
	const usual = [...statuses].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
	const all = chosen.filter((status) => statuses.has(status));

	for (const status of usual.filter((one) => !all.includes(one))) {
		const behind = all.findIndex((one) => rank(one) > rank(status));

		all.splice(behind < 0 ? all.length : behind, 0, status);
	}
	return all;
}

function move(status, by) {
	const all = order();
	const from = all.indexOf(status);
	const to = Math.max(0, Math.min(all.length - 1, from + by));

	all.splice(to, 0, all.splice(from, 1)[0]);
	localStorage.setItem('bugevents columns', all.join());
	adjust({ columns: all.join() });
}

/* ---- which of them ---- */

const same = (value, name) => !asked(name) || text(value) === asked(name) || (asked(name) === 'none' && text(value) === '');

function wanted(row) {
	const words = asked('q').toLowerCase().split(/\s+/).filter(Boolean);
	const all = words.length ? `#${row.id} ${text(row.title)} ${text(row.description)} ${textOf('user', row.assignee_id)} ${textOf('project', row.project_id)}`.toLowerCase() : '';

	return same(row.project_id, 'project') && same(row.assignee_id, 'assignee') && same(row.priority, 'priority') && words.every((word) => all.includes(word));
}

function urgency({ priority }) {
	const place = typeof priority === 'number' ? priority : URGENCY.indexOf(text(priority).toLowerCase());

	return place < 0 ? URGENCY.length : place;
}

/* ---- drawing ---- */

function cardOf({ row, moved }) {
	const facts = element('span', { className: 'facts' });

	if (text(row.priority))
		facts.append(element('span', { className: 'priority', dataset: { priority: text(row.priority).toLowerCase() }, textContent: text(row.priority) }));
	if (text(row.project_id))
		facts.append(nameNode('project', row.project_id));
	if (text(row.assignee_id))
		facts.append(element('span', { className: 'assignee' }, nameNode('user', row.assignee_id)));
	return element('li', { className: Date.now() - moved < MOVED_MS ? 'moved' : '', dataset: { id: row.id } },
		element('button', { type: 'button', onclick: () => go({ bug: String(row.id) }) }, element('span', { className: 'card-title', textContent: `#${row.id} ${text(row.title)}` }), facts));
}

function mover(status, by, words) {
	return element('button', { type: 'button', className: 'plain', ariaLabel: `Move the column ${status} ${words}`, title: `Move ${words}`,
		textContent: by < 0 ? '←' : '→', dataset: { by }, onclick: () => move(status, by) });
}

function columnOf(status, list) {
	list.sort((a, b) => urgency(a.row) - urgency(b.row) || b.seq - a.seq);
	const more = list.length > CARDS ? [element('li', { className: 'hint', textContent: `and ${list.length - CARDS} more` })] : [];
	const title = element('h3', { textContent: `${status} (${list.length})` });

	return element('section', { className: 'column', dataset: { status } },
		element('div', { className: 'column-head' }, title, mover(status, -1, 'left'), mover(status, 1, 'right')),
		element('ul', {}, ...list.slice(0, CARDS).map(cardOf), ...more));
}

/* Where to find what has the focus, once the columns are others. */
function placeOf(node) {
	const { id } = node.closest('.column li')?.dataset ?? {};
	const { status } = node.closest('.column')?.dataset ?? {};

	if (id !== undefined)
		return `.column li[data-id="${CSS.escape(id)}"] button`;
	return status === undefined ? null : `.column[data-status="${CSS.escape(status)}"] button[data-by="${node.dataset.by}"]`;
}

function drawFilter(rows) {
	const priorities = [...new Set(rows.map(({ row }) => text(row.priority)).filter(Boolean))].sort((a, b) => urgency({ priority: a }) - urgency({ priority: b }));
	const ids = (field) => [...new Set(rows.map(({ row }) => text(row[field])).filter(Boolean))];
	const named = (type, field) => ids(field).map((id) => [id, textOf(type, id)]).sort(([, a], [, b]) => a.localeCompare(b));

	choices($('#board-project'), withAsked('project', named('project', 'project_id')));
	choices($('#board-assignee'), withAsked('assignee', [['none', 'nobody'], ...named('user', 'assignee_id')]));
	choices($('#board-priority'), withAsked('priority', priorities.map((priority) => [priority, priority])));
	for (const [field, name] of FIELDS)
		if ($(field) !== document.activeElement || $(field).tagName === 'SELECT')
			$(field).value = asked(name);
}

export function drawBoard() {
	if ($('#board').hidden)
		return;
	load();
	const rows = [...bugs.values()].filter(({ row }) => row);
	const columns = new Map(order().map((status) => [status, []]));
	const focus = placeOf(document.activeElement);

	drawFilter(rows);
	for (const bug of rows)
		if (wanted(bug.row))
			columns.get(statusOf(bug.row)).push(bug);
	$('#columns').replaceChildren(...[...columns].map(([status, list]) => columnOf(status, list)));
	if (focus)
		document.querySelector(focus)?.focus();
	$('#board-note').textContent = isPartial ? `These are the first ${MOST.toLocaleString()} bugs; there are more.` : rows.length ? '' : 'No bugs yet.';
}

const FIELDS = [['#board-q', 'q'], ['#board-project', 'project'], ['#board-assignee', 'assignee'], ['#board-priority', 'priority']];

export function startBoard() {
	for (const [field, name] of FIELDS)
		$(field).addEventListener('input', () => adjust({ [name]: $(field).value.trim() }));
	$('#board-filter').addEventListener('submit', (submit) => submit.preventDefault());
	onAddress(() => soon(drawBoard));
	onNames(drawBoard);
	on('event', follow);
	on('load', reload);
	on('forget', () => {
		bugs.clear();
		statuses.clear();
		loaded = false;
		isComplete = false;
		isPartial = false;
		$('#columns').replaceChildren();
	});
}

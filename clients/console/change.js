/*
 * change.js - what happened to one row in one transaction: several events, one line.
 */
import { element, text } from './dom.js';
import { nameNode, pointsAt, textOf } from './names.js';

const KINDS = {
	bug_report: 'bug', comment: 'comment', project: 'project', user: 'user', membership: 'membership', notification: 'notification', alert: 'alert'
};
const QUIET = new Set(['updated_at']);	/* changes with everything else */
const LONG = 80;				/* of a value in a line */

/* Actions that say what "updated" with its changes says already. */
const SAID = new Set(['status_changed', 'assigned', 'unassigned']);

/* { tx, type, id, events, seq }, seq being the first one's */
export function changeOf(event) {
	return { tx: event.tx?.id, type: event.type, id: event.payload?.id, events: [event], seq: event.seq };
}

/* Does this event tell of the same? */
export function isSame(change, event) {
	return change.tx !== undefined && change.tx === event.tx?.id && change.type === event.type &&
		change.id !== undefined && change.id === event.payload?.id && change.events[0].action === 'updated' && SAID.has(event.action);
}

export const kindOf = (type) => KINDS[type] ?? type;

export const mainEvent = ({ events }) => events[0];

export const changesOf = (change) => Object.entries(mainEvent(change).changes ?? {});

export function titleOf({ type, payload = {} }) {
	const title = (type === 'notification' ? payload.message : payload.title) ?? payload.name ?? payload.username ?? payload.content ?? payload.message ?? payload.table;

	return title === undefined || title === null ? JSON.stringify(payload) : String(title);
}

/* Of whom is there none?  Of what? */
const NONE = { user: 'nobody', project: 'none', bug_report: 'none' };

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/;

function short(value) {
	const whole = MOMENT.test(value) ? new Date(value).toLocaleString() : text(value);

	return value === null || value === undefined || whole === '' ? 'nothing' : whole.length > LONG ? `${whole.slice(0, LONG)}...` : whole;
}

/* A value, or the name of what it points at. */
export function valueNode(type, field, value) {
	const kind = pointsAt(type, field);

	if (kind && value !== null && value !== undefined)
		return nameNode(kind, value);
	return element('span', { textContent: kind ? NONE[kind] : short(value) });
}

function fieldNode(type, field, [before, now]) {
	return element('span', { className: 'field' }, element('span', { className: 'field-name', textContent: `${field.replace(/_id$/, '')} ` }),
		element('del', {}, valueNode(type, field, before)), ' → ', element('ins', {}, valueNode(type, field, now)));
}

/* What became of the fields, in one line. */
export function fieldNodes(change) {
	return changesOf(change).filter(([field]) => !QUIET.has(field)).map(([field, values]) => fieldNode(change.type, field, values));
}

/* "bug created" */
export function wordsOf(change) {
	return `${kindOf(change.type)} ${mainEvent(change).action.replaceAll('_', ' ')}`;
}

/* What it is about: the row, and for a comment the bug. */
export function subjectNodes(change) {
	const { payload = {} } = mainEvent(change);
	const id = change.type === 'bug_report' && change.id !== undefined ? `#${change.id} ` : '';
	const bug = change.type !== 'bug_report' && payload.bug_report_id !== undefined && payload.bug_report_id !== null ?
		[element('span', { className: 'context' }, 'on ', nameNode('bug_report', payload.bug_report_id))] : [];
	const whom = change.type === 'notification' ? [element('span', { className: 'context' }, 'to ', nameNode('user', payload.user_id))] : [];

	return [element('span', { textContent: id + titleOf(mainEvent(change)) }), ...whom, ...bug];
}

/* Who did it, as far as the database was told, or the row says. */
export function actorOf(change) {
	const { actor, action, payload = {} } = mainEvent(change);

	return actor ?? (action === 'created' ? payload.creator_id ?? payload.user_id : undefined) ?? null;
}

const searched = new WeakMap();

/* All that a search looks at. */
function wordsIn(event) {
	if (!searched.has(event))
		searched.set(event, `${kindOf(event.type)} ${event.type} ${event.action} ${event.payload?.id === undefined ? '' : `#${event.payload.id}`} ` +
			`${JSON.stringify(event.payload)} ${JSON.stringify(event.changes ?? '')}`.toLowerCase());
	return searched.get(event);
}

/* Has it all these words, in itself or in a name that it shows? */
export function hasWords(change, words) {
	const { payload = {} } = mainEvent(change);
	const names = () => Object.keys(payload).map((field) => [pointsAt(change.type, field), payload[field]])
		.filter(([kind, id]) => kind && id !== null && id !== undefined).map(([kind, id]) => textOf(kind, id)).join(' ').toLowerCase();

	return words.every((word) => change.events.some((event) => wordsIn(event).includes(word)) || names().includes(word));
}

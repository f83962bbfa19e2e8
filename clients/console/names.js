/*
 * names.js - names of people, projects and bugs in place of their ids.
 *
 * Model: known from events, or asked for: all ids that are shown and not known, with one request of each type.  What is shown is an element
 * that gets its text when the name comes.  Whoever may not see a row sees its id.
 */
import { element, soon } from './dom.js';
import { on, session } from './session.js';

const FIELD = { user: 'username', project: 'name', bug_report: 'title' };
const DELAY = 100;				/* ms */
const MOST = 1000;				/* ids of a request */
const OFFERED = 300;

const known = new Map();		/* "user:7" -> name; null: there is none for us */
const missing = new Map();		/* type -> ids */
const referred = new Set();		/* keys that something shown has or had */
const listeners = [];			/* who searches by names, or lists them */
let timer = null;

export const onNames = (draw) => listeners.push(draw);

export function learn({ type, payload }) {
	if (FIELD[type] && payload?.[FIELD[type]] !== undefined && payload.id !== undefined)
		set(type, payload.id, payload[FIELD[type]]);
}

function set(type, id, name) {
	const key = `${type}:${id}`;

	if (known.get(key) === name)
		return;
	known.set(key, name);
	if (!referred.has(key))
		return;
	for (const node of document.querySelectorAll('[data-name]'))
		if (node.dataset.name === key)
			node.textContent = textOf(type, id);
	for (const draw of listeners)
		soon(draw);
}

async function ask() {
	const { connection } = session;
	const asked = [...missing];

	timer = null;
	missing.clear();
	for (const [type, ids] of asked) {
		const wanted = [...ids].slice(0, MOST);
		const reply = await connection?.request('list', { type, limit: MOST, where: { id: wanted } }).catch((error) => error);

		if (connection !== session.connection)
			return;
		if (reply?.code === 'disconnected')
			continue;
		for (const row of reply?.items ?? [])
			set(type, row.id, row[FIELD[type]]);
		for (const id of wanted)
			if (!known.has(`${type}:${id}`))
				known.set(`${type}:${id}`, null);
	}
}

function want(type, id) {
	referred.add(`${type}:${id}`);
	if (known.has(`${type}:${id}`) || !session.connection)
		return;
	if (!missing.has(type))
		missing.set(type, new Set());
	missing.get(type).add(String(id));
	timer ??= setTimeout(ask, DELAY);
}

const WORDS = { user: 'user', project: 'project', bug_report: 'bug' };

/* What it is called as far as is known. */
export function textOf(type, id) {
	if (id === null || id === undefined)
		return 'nobody';
	const name = known.get(`${type}:${id}`);

	want(type, id);
	if (type === 'bug_report')
		return `#${id}${name ? ` ${name}` : ''}`;
	return name ?? `${WORDS[type]} ${id}`;
}

/* The same, and when the name comes, it is there. */
export function nameNode(type, id) {
	return element('span', { className: 'name', dataset: { name: `${type}:${id}` }, textContent: textOf(type, id) });
}

/* Which row a field of a type names. */
export function pointsAt(type, field) {
	if (field === 'project_id')
		return 'project';
	if (field === 'bug_report_id')
		return 'bug_report';
	return ['user_id', 'assignee_id', 'creator_id', 'actor', 'reporter_id', 'author_id'].includes(field) ? 'user' : null;
}

/* [id, name] of those of a type that are known and that something refers to; OFFERED of them. */
export function allOf(type) {
	return [...referred].filter((key) => key.startsWith(`${type}:`) && typeof known.get(key) === 'string').slice(0, OFFERED)
		.map((key) => [key.slice(type.length + 1), known.get(key)]).sort(([, a], [, b]) => a.localeCompare(b));
}

on('event', learn);
on('forget', () => {
	known.clear();
	missing.clear();
	referred.clear();
	clearTimeout(timer);
	timer = null;
});

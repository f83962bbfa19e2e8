/*
 * detail.js - the dialogs: one change, with the old and the new value of each field; one bug, with what happened to it and what was said.
 *
 * Model: what is open is in the address (event, bug), so it has a link, and Back closes it.
 */
import { asked, go, link, onAddress } from './address.js';
import { changeOf, changesOf, fieldNodes, mainEvent, titleOf, valueNode, wordsOf } from './change.js';
import { $, element, soon } from './dom.js';
import { changeAt, changesOfBug } from './feed.js';
import { nameNode } from './names.js';
import { on, request, session } from './session.js';

let shown = '';					/* what is open */

function row(field, before, now, isChanged) {
	return element('tr', { className: isChanged ? 'changed' : '' }, element('th', { scope: 'row', textContent: field }), element('td', {}, before), element('td', {}, now));
}

/* ---- one change ---- */

function fieldRows(change) {
	const event = mainEvent(change);
	const changed = Object.fromEntries(changesOf(change));

	return Object.keys({ ...event.payload, ...changed }).map((field) => field in changed ?
		row(field, valueNode(change.type, field, changed[field][0]), valueNode(change.type, field, changed[field][1]), true) :
		row(field, '', valueNode(change.type, field, event.payload[field]), false));
}

function linksOf(change) {
	const { payload = {} } = mainEvent(change);
	const bug = change.type === 'bug_report' ? change.id : payload.bug_report_id;
	const to = [['The transaction', { event: '', view: 'feed', tx: change.tx }]];

	if (bug !== undefined && bug !== null)
		to.unshift(['The bug', { event: '', bug: String(bug) }]);
	return to.map(([words, where]) => element('a', { href: link(where), textContent: words }));
}

function drawChange(seq) {
	const change = changeAt(seq);

	$('#detail-title').textContent = change ? `${wordsOf(change)}: ${titleOf(mainEvent(change))}` : `Event ${seq}`;
	if (!change) {
		$('#detail-when').textContent = 'This event is not among those that are here. A longer history may have it.';
		$('#detail-body').replaceChildren();
		return;
	}
	const { tx, at, actor } = mainEvent(change);

	$('#detail-when').replaceChildren(`seq ${change.seq}, transaction ${tx?.id} (${tx?.n} of ${tx?.of}), ${new Date(at).toLocaleString()}`,
		...actor === undefined ? [] : [', by ', nameNode('user', actor)], ...change.events.length > 1 ? [`, also ${change.events.slice(1).map(({ action }) => action).join(', ')}`] : []);
	$('#detail-body').replaceChildren(element('p', { className: 'links' }, ...linksOf(change)),
		element('table', {}, element('thead', {}, element('tr', {}, ...['field', 'before', 'now'].map((name) => element('th', { scope: 'col', textContent: name })))),
			element('tbody', { id: 'detail-fields' }, ...fieldRows(change))), ...extras.map((extra) => extra(change)));
}

/* More parts of a change's detail: functions from the change to a node. */
const extras = [];

export const addExtra = (extra) => extras.push(extra);

/* ---- one bug ---- */

const HIDDEN = new Set(['id', 'title', 'description']);

function facts(bug) {
	return element('dl', {}, ...Object.entries(bug).filter(([field]) => !HIDDEN.has(field))
		.flatMap(([field, value]) => [element('dt', { textContent: field.replace(/_id$/, '') }), element('dd', {}, valueNode('bug_report', field, value))]));
}

function said(comment) {
	return element('li', {}, element('p', { className: 'tx' }, nameNode('user', comment.user_id), `, ${new Date(comment.created_at).toLocaleString()}`),
		element('p', { textContent: comment.content }));
}

function happened(change) {
	const { at, actor } = mainEvent(change);

	return element('li', {}, element('p', { className: 'tx' }, `${new Date(at).toLocaleString()}, ${wordsOf(change)}`, ...actor === undefined ? [] : [' by ', nameNode('user', actor)]),
		element('p', { className: 'fields' }, ...fieldNodes(change).length ? fieldNodes(change) : [titleOf(mainEvent(change))]));
}

/* From the history that the server keeps, and, what that hasn't yet, from the feed. */
async function storyOf(id) {
	const reply = await session.connection.request('list', { type: 'history', entity: 'bug_report', id, limit: 100 }).catch(() => null);
	const entries = (reply?.items ?? []).map(({ seq, at, actor, action, changes }) =>
		changeOf({ type: 'bug_report', action, seq, at, actor: actor ?? undefined, changes: changes ?? {}, payload: { id, title: '' } }));
	const upto = Math.max(0, ...entries.map(({ seq }) => seq));

	return [...changesOfBug(id).filter(({ type, seq }) => type === 'bug_report' && seq > upto), ...entries];
}

function listOf(title, items, none) {
	return element('section', {}, element('h3', { textContent: title }), items.length ? element('ol', { className: 'story' }, ...items) : element('p', { className: 'hint', textContent: none }));
}

async function drawBug(id) {
	const mine = session.connection;
	const wanted = shown;

	$('#detail-title').textContent = `Bug #${id}`;
	$('#detail-when').textContent = '';
	$('#detail-body').replaceChildren();
	const [bug, comments, story] = await Promise.all([request('get', { type: 'bug_report', id }), request('list', { type: 'comment', bug_report_id: id, limit: 1000 }), storyOf(id)]);

	if (mine !== session.connection || wanted !== shown || !bug)
		return;
	$('#detail-title').textContent = `#${id} ${bug.title}`;
	$('#detail-body').replaceChildren(facts(bug), element('p', { className: 'long', textContent: bug.description ?? '' }),
		listOf('Comments', (comments?.items ?? []).map(said), 'Nobody has said anything.'),
		listOf('What happened', story.map(happened), 'Nothing that is still known.'));
}

/* ---- open and closed ---- */

const wanted = () => asked('event') ? `event ${asked('event')}` : asked('bug') ? `bug ${asked('bug')}` : '';

function draw() {
	const now = session.connection?.session ? wanted() : '';

	if (now === shown)
		return;
	shown = now;
	if (!now) {
		$('#detail').close();
		return;
	}
	if (now.startsWith('event'))
		drawChange(Number(asked('event')));
	else
		drawBug(asked('bug'));
	if (!$('#detail').open)
		$('#detail').showModal();
	$('#detail').scrollTop = 0;
}

/* What is looked at changes while it is. */
function follow(event) {
	if (!shown)
		return;
	const { type, payload = {}, seq } = event;

	if (shown === `event ${seq}`)
		soon(() => shown === `event ${seq}` && drawChange(seq));	/* a link was faster than the history */
	else if (shown === `bug ${type === 'bug_report' ? payload.id : payload.bug_report_id}` && Date.now() - Date.parse(event.at) < 60000)
		drawBug(asked('bug'));
}

export function startDetail() {
	$('#detail').addEventListener('close', () => shown && wanted() && go({ event: '', bug: '' }));
	onAddress(() => soon(draw));
	on('load', () => soon(draw));
	on('event', follow);
	on('forget', () => {
		shown = '';
		$('#detail').close();
		for (const place of ['#detail-title', '#detail-when', '#detail-body'])
			$(place).replaceChildren();
	});
}

/*
 * feed.js - what happens: one line for each row that a transaction changed, the newest transaction first.
 *
 * Model: changes are kept, those of the newest KEPT events, and shown as far as the address lets them, SHOWN at most. A line, once made,
 * stays the same element.
 */
import { passes } from '../filter.js';
import { adjust, asked, go, onAddress } from './address.js';
import { actorOf, changeOf, fieldNodes, hasWords, isSame, mainEvent, subjectNodes, wordsOf } from './change.js';
import { $, arrange, choices, element, soon } from './dom.js';
import { allOf, nameNode, onNames } from './names.js';
import { HISTORY, on, session } from './session.js';

const KEPT = 10000;				/* events */
const SHOWN = 300;				/* lines */
const COUNTED = /_stats$/;		/* follows from the rest: shown when it is asked for */
const OF_ONE = 20;				/* of a transaction, unless it is what was asked for */

const changes = [];				/* the newest last */
const lines = new WeakMap();	/* change -> its line */
const groups = new Map();		/* seq of the first that is shown -> element, with the seqs of what is in it */
const seen = { type: new Set(), action: new Set() };
let kept = 0;
let received = 0;
let paused = null;				/* while paused: up to which change */

function keep(event) {
	const last = changes[changes.length - 1];

	if (last && isSame(last, event) && (paused === null || paused < changes.length))
		last.events.push(event);
	else
		changes.push(changeOf(event));
	kept++;
	while (kept > KEPT) {
		kept -= changes.shift().events.length;
		paused = paused === null ? null : Math.max(0, paused - 1);
	}
}

function take(event) {
	keep(event);
	received++;
	seen.type.add(event.type);
	seen.action.add(event.action);
	soon(drawFeed);
}

/* ---- what is wanted ---- */

const one = (name) => asked(name) ? [asked(name)] : [];

function filter() {
	return { types: one('type'), actions: one('action'), project_ids: one('project'), bug_report_ids: one('on') };
}

const people = ({ payload = {} }) => [payload.user_id, payload.assignee_id, payload.creator_id];

function concerns(change, who) {
	return String(actorOf(change)) === who || people(mainEvent(change)).some((id) => String(id) === who);
}

/* Which of the changes; "as" looks with the eyes of another user (view_as.js). */
let judge = () => true;

export function setJudge(judged) {
	judge = judged;
	soon(drawFeed);
}

function wanted() {
	const passing = filter();
	const words = asked('q').toLowerCase().split(/\s+/).filter(Boolean);
	const [who, tx] = [asked('who'), asked('tx')];

	const shown = (change) => (asked('type') || !COUNTED.test(change.type)) && judge(change);

	if (!FIELDS.some(([, name]) => asked(name)) && !tx)
		return shown;
	return (change) => change.events.some((event) => passes(passing, event)) && (!tx || change.tx === tx) && (!who || concerns(change, who)) &&
		hasWords(change, words) && shown(change);
}

/* ---- lines ---- */

function whoNode(change) {
	const actor = actorOf(change);

	return actor === null ? '' : nameNode('user', actor);
}

function makeLine(change) {
	const { at, replay } = mainEvent(change);
	const line = element('li', { className: 'change', dataset: { seq: change.seq, kind: change.type } },
		element('button', { type: 'button', onclick: () => go({ event: String(change.seq) }) },
			element('time', { dateTime: at, title: new Date(at).toLocaleString(), textContent: new Date(at).toLocaleTimeString() }),
			element('span', { className: 'what', textContent: wordsOf(change) + (replay ? ' (replay)' : '') }),
			element('span', { className: 'about' }, element('span', { className: 'title' }, ...subjectNodes(change)),
				element('span', { className: 'fields' }, ...fieldNodes(change))),
			element('span', { className: 'who' }, whoNode(change))));

	return line;
}

function lineOf(change) {
	if (!lines.has(change))
		lines.set(change, makeLine(change));
	return lines.get(change);
}

function headOf({ tx, count, hidden }) {
	const isAlone = asked('tx') === tx;

	return element('p', { className: 'tx' }, `transaction ${tx}, ${count.toLocaleString()} changes `,
		element('button', { type: 'button', className: 'plain', onclick: () => go({ tx: isAlone ? '' : tx }),
			textContent: isAlone ? 'show all' : hidden ? `show ${hidden.toLocaleString()} more` : 'only these' }));
}

/* The lines of one transaction, that of a single one without a head. */
function groupOf(transaction) {
	const { list, count } = transaction;
	const { seq } = list[0];
	const key = `${count} ${list.length} ${asked('tx')}`;
	let group = groups.get(seq);

	if (group?.dataset.key !== key) {
		group = element('li', { className: count > 1 ? 'group' : '', dataset: { key } }, ...count > 1 ? [headOf(transaction)] : [], element('ol'));
		groups.set(seq, group);
	}
	arrange(group.lastElementChild, list.map(lineOf));
	return group;
}

/* ---- drawing ---- */

/* The newest transactions, each in its own order and with the first of its lines: { tx, count, hidden, list }. */
function choose(until) {
	const passing = wanted();
	const most = asked('tx') ? SHOWN : OF_ONE;
	const transactions = [];
	let last = { list: [] };
	let shown = 0;

	for (let i = until - 1; i >= 0; i--) {
		const change = changes[i];

		if (!passing(change))
			continue;
		if (change.tx === undefined || last.tx !== change.tx) {
			if (shown >= SHOWN)
				break;
			last = { tx: change.tx, count: 0, hidden: 0, list: [] };
			transactions.push(last);
		}
		last.count++;
		last.list.push(change);
		if (last.list.length > most) {
			last.list.shift();
			last.hidden++;
		} else {
			shown++;
		}
	}
	for (const { list } of transactions)
		list.reverse();
	return transactions;
}

function sinceWords() {
	const first = changes[0];

	if (!first)
		return 'Nothing in this time. Change a row of an attached table, and it shows here.';
	return kept >= KEPT ? `Before this there is more than the ${KEPT.toLocaleString()} events that this page keeps.` :
		`All since ${new Date(session.historySince ?? mainEvent(first).at).toLocaleString()}.`;
}

function drawFilter() {
	choices($('#by-type'), [...seen.type].sort().map((type) => [type, type]));
	choices($('#by-action'), [...seen.action].sort().map((action) => [action, action]));
	choices($('#by-project'), withAsked('project', allOf('project')));
	choices($('#by-who'), withAsked('who', allOf('user')));
	for (const [field, name] of FIELDS)
		if ($(field) !== document.activeElement || $(field).tagName === 'SELECT')
			$(field).value = asked(name);
	$('#since').value = HISTORY[asked('since')] ? asked('since') : '1h';
	$('#clear-filter').hidden = FIELDS.every(([, name]) => !asked(name)) && !asked('tx') && !asked('as');
}

/* An id of the address stays a choice, although its name isn't known. */
export function withAsked(name, options) {
	const id = asked(name);

	return !id || options.some(([one]) => one === id) ? options : [[id, id], ...options];
}

export function drawFeed() {
	if ($('#feed').hidden)
		return;
	const until = paused ?? changes.length;
	const transactions = choose(until);

	drawFilter();
	arrange($('#events'), transactions.map(groupOf));
	for (const [seq, group] of groups)
		if (!group.isConnected)
			groups.delete(seq);
	$('#nothing').textContent = transactions.length === 0 && changes.length > 0 ? 'Nothing passes the filter.' : sinceWords();
	$('#count').textContent = `${received.toLocaleString()} events${paused === null ? '' : `, ${changes.length - until} more changes while paused`}`;
	$('#pause').setAttribute('aria-pressed', String(paused !== null));
}

/* ---- for others ---- */

export const changeAt = (seq) => changes.find((change) => change.events.some((event) => event.seq === seq));

/* The newest first. */
export const changesOfBug = (id) => changes.filter((change) => change.events.some((event) => passes({ bug_report_ids: [id] }, event))).reverse();

export const allChanges = () => changes;

export function togglePause() {
	paused = paused === null ? changes.length : null;
	soon(drawFeed);
}

/* ---- what one can do ---- */

const FIELDS = [['#q', 'q'], ['#by-type', 'type'], ['#by-action', 'action'], ['#by-project', 'project'], ['#by-who', 'who'], ['#by-bug', 'on']];

export function startFeed() {
	for (const [field, name] of FIELDS)
		$(field).addEventListener('input', () => adjust({ [name]: $(field).value.trim() }));
	$('#since').addEventListener('input', () => go({ since: $('#since').value }));
	$('#filter').addEventListener('submit', (submit) => submit.preventDefault());
	$('#pause').addEventListener('click', togglePause);
	$('#clear-filter').addEventListener('click', () => go({ q: '', type: '', action: '', project: '', who: '', on: '', tx: '', as: '' }));
	onAddress(() => soon(drawFeed));
	onNames(drawFeed);
	on('event', take);
	on('forget', () => {
		changes.length = 0;
		kept = 0;
		received = 0;
		paused = null;
		groups.clear();
		seen.type.clear();
		seen.action.clear();
		$('#events').replaceChildren();
		$('#count').textContent = '';
	});
}

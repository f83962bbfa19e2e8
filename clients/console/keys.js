/*
 * keys.js - what the keyboard does: j, k and the arrows go from line to line, and from card to card.
 */
import { asked, go } from './address.js';
import { $ } from './dom.js';
import { togglePause } from './feed.js';

const VIEWS = { 1: 'feed', 2: 'board', 3: 'notifications', 4: 'server' };
const LINES = { feed: '#events .change > button', board: '.column li > button', notifications: '#told button:not([hidden])', server: '#connected button' };

const view = () => asked('view') || 'feed';

function step(by) {
	const all = [...document.querySelectorAll(LINES[view()])];
	const at = all.indexOf(document.activeElement);

	all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
}

/* To the column beside this one that has a card, as far down. */
function sideways(by) {
	const columns = [...document.querySelectorAll('.column')].map((column) => [...column.querySelectorAll('li > button')]).filter((cards) => cards.length);
	const at = columns.findIndex((cards) => cards.includes(document.activeElement));
	const next = columns[at < 0 ? 0 : at + by];

	next?.[Math.min(next.length - 1, Math.max(0, columns[at]?.indexOf(document.activeElement) ?? 0))].focus();
}

const KEYS = {
	j: () => step(1),
	k: () => step(-1),
	ArrowDown: () => step(1),
	ArrowUp: () => step(-1),
	ArrowRight: () => view() === 'board' && sideways(1),
	ArrowLeft: () => view() === 'board' && sideways(-1),
	p: togglePause,
	'/': () => $(view() === 'board' ? '#board-q' : '#q').focus(),
	'?': () => $('#help').showModal()
};

function press(event) {
	const isWriting = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);

	if (event.key === 'Escape' && isWriting)
		event.target.blur();
	if (isWriting || event.ctrlKey || event.metaKey || event.altKey || $('nav').hidden || document.querySelector('dialog[open]'))
		return;
	if (VIEWS[event.key])
		go({ view: VIEWS[event.key] });
	else if (KEYS[event.key])
		KEYS[event.key]();
	else
		return;
	event.preventDefault();
}

export function startKeys() {
	addEventListener('keydown', press);
	$('#show-help').addEventListener('click', KEYS['?']);
}

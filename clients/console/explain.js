/*
 * explain.js - why did this not reach somebody?  And the feed with the eyes of another user.  For admins.
 *
 * Model: the server judges.  Whom the feed is seen as is in the address (as); of what is shown each event is asked for once,
 * with others, and kept out of sight until the answer has come.
 */
import { adjust, asked, onAddress } from './address.js';
import { addExtra } from './detail.js';
import { $, element, soon } from './dom.js';
import { drawFeed, setJudge } from './feed.js';
import { allOf, nameNode, textOf } from './names.js';
import { isAdmin, on, request, session } from './session.js';

const MOST = 200;				/* events of a request */
const DELAY = 50;				/* ms */

/* An id as it is, or that of somebody of this name. */
function idOf(written) {
	const name = written.trim().toLowerCase();

	return allOf('user').find(([, one]) => one.toLowerCase() === name)?.[0] ?? written.trim();
}

/* The name, as far as it is known; what idOf() makes an id of. */
const nameOf = (id) => allOf('user').find(([one]) => one === id)?.[1] ?? id;

/* ---- one event ---- */

const SIGNS = { fine: 'fine', reason: 'the reason', unknown: 'not known', note: '' };

async function explain(change, who, list) {
	const reply = await request('explain', { seq: change.seq, user_id: who });
	const reasons = reply?.items.filter(({ verdict }) => verdict === 'reason') ?? [];

	if (!reply)
		return;
	list.replaceChildren(
		element('li', { className: 'verdict' }, reasons.length ? 'It did not reach ' : 'Nothing stands in its way to ', nameNode('user', who), reasons.length ? '.' : ', as far as is known.'),
		...reply.items.map(({ finding, verdict, detail }) => element('li', { className: `finding ${verdict}` }, element('b', { textContent: finding }),
			`${SIGNS[verdict] ? ` (${SIGNS[verdict]})` : ''}: ${detail}`)));
}

function explainForm(change) {
	if (!isAdmin())
		return '';
	const input = element('input', { size: 12, autocomplete: 'off', value: nameOf(asked('why')) });
	const list = element('ol', { className: 'findings', ariaLabel: 'What was found' });
	const form = element('form', {}, element('label', {}, 'Why did this not reach ', input), element('button', { textContent: 'Explain' }));

	input.setAttribute('list', 'people');
	form.addEventListener('submit', (submit) => {
		submit.preventDefault();
		if (!input.value.trim())
			return;
		adjust({ why: idOf(input.value) });
		explain(change, idOf(input.value), list);
	});
	if (asked('why'))
		explain(change, asked('why'), list);
	return element('section', { className: 'why' }, element('h3', { textContent: 'Delivery' }), form, list);
}

/* ---- the feed as somebody else sees it ---- */

const verdicts = new Map();		/* seq -> yes, no, perhaps; undefined: asked for */
let as = '';
let waiting = [];
let timer = null;

async function ask() {
	const { connection } = session;
	const who = as;
	const seqs = waiting.splice(0, MOST);
	const reply = await request('visible', { user_id: who, seqs });

	timer = waiting.length > 0 ? setTimeout(ask, DELAY) : null;
	if (who !== as || connection !== session.connection)
		return;
	for (const seq of seqs)
		verdicts.set(seq, 'no');
	for (const { seq, verdict } of reply?.items ?? [])
		verdicts.set(seq, verdict);
	soon(drawFeed);
}

function isSeen({ seq }) {
	if (!verdicts.has(seq)) {
		verdicts.set(seq, undefined);
		waiting.push(seq);
		timer ??= setTimeout(ask, DELAY);
	}
	return verdicts.get(seq) === 'yes' || verdicts.get(seq) === 'perhaps';
}

function forget() {
	verdicts.clear();
	waiting = [];
	clearTimeout(timer);
	timer = null;
}

function look() {
	const who = isAdmin() ? asked('as') : '';

	$('#as-label').hidden = !isAdmin();
	if (who !== as) {
		as = who;
		forget();
		setJudge(who ? isSeen : () => true);
	}
	if ($('#as') !== document.activeElement)
		$('#as').value = nameOf(asked('as'));
	$('#as-note').hidden = !who;
	$('#as-note').textContent = who ? `What ${textOf('user', who)} may see, as things are now; their own filters may leave out more.` : '';
	$('#people').replaceChildren(...allOf('user').map(([id, name]) => element('option', { value: name, label: `user ${id}` })));
}

export function startExplain() {
	$('#as').addEventListener('change', () => adjust({ as: $('#as').value.trim() ? idOf($('#as').value) : '' }));
	addExtra(explainForm);
	onAddress(() => soon(look));
	on('load', () => soon(look));
	on('event', () => soon(look));
	on('forget', () => {
		forget();
		as = '';
		setJudge(() => true);
	});
}


/*
 * main.js - the live console: what happens, the bugs by status, what one was told, how the server is.
 *
 * Model: the connection (session.js) hands events to the views; what is looked at is in the address (address.js). Each view
 * keeps what it needs, and draws itself, once for each frame of the screen, when it is looked at.
 */
import { asked, go, onAddress } from './address.js';
import { startBoard } from './board.js';
import { startDetail } from './detail.js';
import { $, tell } from './dom.js';
import { startExplain } from './explain.js';
import { startFeed } from './feed.js';
import { startKeys } from './keys.js';
import { startNotifications } from './notifications.js';
import { startServer } from './server.js';
import { on, session, signIn, signOut, start } from './session.js';

const VIEWS = ['feed', 'board', 'notifications', 'server'];

let shown = '';

function show() {
	const view = VIEWS.includes(asked('view')) ? asked('view') : 'feed';

	if (!session.connection?.session)
		return;
	if (view !== shown)
		tell('');
	shown = view;
	for (const section of document.querySelectorAll('main section.view'))
		section.hidden = section.id !== view;
	for (const button of document.querySelectorAll('nav [data-view]'))
		button.setAttribute('aria-current', button.dataset.view === view ? 'page' : 'false');
	document.title = `${view} - bugevents`;
}

onAddress(show);
on('load', show);
on('forget', () => { shown = ''; });
startFeed();
startBoard();
startNotifications();
startServer();
startDetail();
startExplain();
startKeys();

$('#sign-in').addEventListener('submit', (submit) => {
	submit.preventDefault();
	if ($('#token').value.trim())
		signIn($('#token').value);
	$('#token').value = '';
});
$('#leave').addEventListener('click', () => signOut(''));

/* Where there is room, filters are open. */
const wide = matchMedia('(min-width: 45.01rem)');
const unfold = () => document.querySelectorAll('details.more').forEach((more) => { more.open = wide.matches; });

wide.addEventListener('change', unfold);
unfold();
for (const button of document.querySelectorAll('nav [data-view]'))
	button.addEventListener('click', () => go({ view: button.dataset.view }));
start();

/*
 * console.mjs - the console in a browser, as a user sees it.
 *
 *	node console.mjs URL TOKEN ADMIN-TOKEN      with psql's settings in the environment;
 * says "ok NAME" or "not ok NAME" a line; SCREENSHOTS names a folder for pictures.
 * A line "restart" asks the test to restart the server; it answers with a line.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

import { chromium } from 'playwright-core';

const [url, token, adminToken] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const complaints = [];
const PATIENCE = 1000 * (process.env.BUGEVENTS_TEST_PATIENCE ?? 60);

function sql(text) {
	return execFileSync('psql', ['-XAtqc', text], { encoding: 'utf8' }).trim();
}

function ok(good, name, detail = '') {
	console.log(`${good ? 'ok' : 'not ok'} ${name}${good ? '' : `: ${detail}`}`);
}

/* By evaluating again and again: the driver's own waiting needs eval, which the page forbids. */
async function waitFor(page, name, condition) {
	const end = Date.now() + PATIENCE;
	let good = false;

	while (!(good = await page.evaluate(condition)) && Date.now() < end)
		await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 20)));
	ok(good, name, good ? '' : await page.evaluate(() => document.body.innerText.slice(0, 500).replaceAll('\n', ' | ')));
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/* What axe finds wrong with the page as it is. */
async function accessible(page, name) {
	const found = await page.evaluate(async () => (await window.axe.run()).violations
		.map(({ id, help, nodes }) => `${id} (${help}): ${nodes.slice(0, 3).map(({ target }) => target.join(' ')).join(', ')}`));

	ok(found.length === 0, `axe finds nothing: ${name}`, found.join('; '));
}

async function picture(page, name, options = {}) {
	if (process.env.SCREENSHOTS)
		await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png`, ...options });
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

async function open(options = {}) {
	const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
	const page = await context.newPage();

	await page.addInitScript(axe);
	await page.addInitScript(() => {
		window.requests = [];
		window.hold = false;	/* the answers that are rows */
		window.held = [];
		window.WebSocket = class extends WebSocket {
			send(text) {
				window.requests.push(JSON.parse(text).type);
				super.send(text);
			}

			set onmessage(listener) {
				super.onmessage = (message) => window.hold && /"items"/.test(message.data) ?
					window.held.push(() => listener(message)) : listener(message);
			}
		};
	});
	page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
	page.on('pageerror', (error) => complaints.push(String(error)));
	await page.goto(url);
	return page;
}

const first = (page) => page.evaluate(() => document.querySelector('#events .change')?.innerText ?? '');
const seqs = (page) => page.evaluate(() => [...document.querySelectorAll('#events .change')].map((line) => Number(line.dataset.seq)));

try {
	const page = await open();

	/* Signing in. */
	ok(await page.isVisible('#sign-in') && !await page.isVisible('nav'), 'without a token there is a door, and no data');
	await accessible(page, 'the door');
	await page.fill('#token', 'nonsense');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	await waitFor(page, 'a bad token: why', () => /invalid_token/.test(document.querySelector('#refusal').textContent));
	complaints.length = 0;		/* the browser's own, of the closed socket */
	await page.fill('#token', token);
	await page.click('#sign-in button');
	await waitFor(page, 'signed in', () => document.querySelector('#state').textContent === 'live as 2 (user)');
	ok(!(await page.url()).includes(token), 'the token is not in the address');
	await waitFor(page, 'what happened before the page was opened', () => /project created\s*one/.test(document.querySelector('#events').innerText));

	/* A change made by SQL, within a second. */
	const before = Date.now();

	sql("INSERT INTO bug_reports (title, status, project_id) VALUES ('The list jumps', 'open', 1)");
	await waitFor(page, 'a change is seen', () => /The list jumps/.test(document.querySelector('#events')?.innerText));
	ok(Date.now() - before < 1000, 'within a second', `${Date.now() - before} ms`);
	sql("UPDATE bug_reports SET status = 'closed', title = 'The list jumps no more'");
	await waitFor(page, 'an update is one line, with the old and the new values', () => {
		const [line, ...others] = document.querySelectorAll('#events .change[data-kind=bug_report]');

		return others.length === 1 && line.querySelector('.what').innerText === 'bug updated' && line.querySelector('.title').innerText === '#1 The list jumps no more' &&
			[...line.querySelectorAll('.field')].map((field) => field.innerText).join() === 'title The list jumps → The list jumps no more,status open → closed';
	});
	await page.focus('#events .change button');
	sql("INSERT INTO projects (name) VALUES ('another event')");
	await waitFor(page, 'another event comes', () => /another event/.test(document.querySelector('#events').innerText));
	ok(await page.evaluate(() => document.activeElement.tagName === 'BUTTON' && /bug updated/.test(document.activeElement.innerText)), 'what has the focus keeps it');
	await page.keyboard.press('Enter');
	await waitFor(page, 'its detail, by keyboard', () => document.querySelector('#detail').open &&
		[...document.querySelectorAll('#detail tr.changed')].some((row) => [...row.cells].map((cell) => cell.textContent).join(' ') === 'status open closed') &&
		/also status_changed/.test(document.querySelector('#detail-when').innerText));
	await picture(page, 'detail');
	await accessible(page, 'a detail');
	await page.keyboard.press('Escape');

	/* Nothing of a row is markup. */
	sql(`INSERT INTO projects (name) VALUES ('<script>window.hit = 1</script><img src=x onerror="window.hit = 2"><b>')`);
	await waitFor(page, 'markup in a row is text', () => document.querySelector('#events .change .title').textContent.includes('<script>'));
	ok(await page.evaluate(() => window.hit === undefined && !document.querySelector('#events b, #events img')), '... and does nothing');
	ok(await page.evaluate(() => {
		const script = document.createElement('script');

		script.textContent = 'window.hit = 3';
		document.body.append(script);
		return window.hit === undefined;
	}), 'and the policy would stop it');
	complaints.length = 0;

	/* Filters, pause. */
	await page.selectOption('#by-type', 'project');
	await waitFor(page, 'filtered by type', () => document.querySelectorAll('#events .change').length === 3);
	await page.selectOption('#by-type', '');
	await page.fill('#by-bug', '1');
	await waitFor(page, 'filtered by bug', () => document.querySelectorAll('#events .change').length === 2);
	await page.fill('#by-bug', '');
	await page.click('#pause');
	sql("INSERT INTO projects (name) VALUES ('while paused')");
	await waitFor(page, 'paused: counted, not shown', () => /1 more changes while paused/.test(document.querySelector('#count').textContent));
	ok(!/while paused/.test(await first(page)), '... not shown');
	await page.click('#pause');
	await waitFor(page, 'going on', () => /while paused/.test(document.querySelector('#events .change').innerText));

	/* Names in place of ids, search, links and Back. */
	sql("INSERT INTO bug_reports (title, project_id, creator_id) VALUES ('Named', 1, 2)");
	sql("BEGIN; UPDATE bug_reports SET assignee_id = 2, priority = 'high' WHERE title = 'Named'; INSERT INTO comments (bug_report_id, user_id, content) SELECT id, 2, 'I take it' FROM bug_reports WHERE title = 'Named'; COMMIT");
	await waitFor(page, 'people by name', () => [...document.querySelectorAll('.field')].some((field) => field.innerText === 'assignee nobody → bob'));
	await waitFor(page, 'a transaction is a group', () => [...document.querySelectorAll('.group')].some((group) => /2 changes/.test(group.innerText) && /I take it/.test(group.innerText) &&
		/on #2 Named/.test(group.innerText)));
	await page.fill('#q', 'named BOB');
	await waitFor(page, 'searched, also by name', () => /Named/.test(document.querySelector('#events')?.innerText) && !/The list/.test(document.querySelector('#events').innerText));
	const searched = await page.evaluate(() => document.querySelectorAll('#events .change').length);

	ok(new URLSearchParams(new URL(page.url()).hash.slice(1)).get('q') === 'named BOB', 'what is searched is in the address', page.url());
	await page.click('#events .change button');
	await waitFor(page, 'a detail', () => document.querySelector('#detail').open && /Named|I take it/.test(document.querySelector('#detail').innerText));
	const place = page.url();

	await page.goBack();
	await waitFor(page, 'Back closes it', () => !document.querySelector('#detail').open);
	await page.goForward();
	await waitFor(page, 'forward opens it again', () => document.querySelector('#detail').open);
	await page.goto('about:blank');
	await page.goto(place);
	await waitFor(page, 'a link leads to what it was taken of', () => document.querySelector('#detail').open && /Named|I take it/.test(document.querySelector('#detail').innerText) &&
		document.querySelector('#q').value === 'named BOB');
	await page.keyboard.press('Escape');
	await waitFor(page, 'and searches the same', () => !document.querySelector('#detail').open);
	await page.evaluate((count) => { window.searched = count; }, searched);
	await waitFor(page, '... with the same result', () => document.querySelectorAll('#events .change').length === window.searched);
	await page.click('#clear-filter');
	await waitFor(page, 'all again', () => /The list/.test(document.querySelector('#events').innerText) && document.querySelector('#q').value === '');

	/* By keyboard. */
	await page.keyboard.press('Escape');
	await page.evaluate(() => document.activeElement.blur());
	await page.keyboard.press('j');
	await page.keyboard.press('j');
	await page.keyboard.press('k');
	ok(await page.evaluate(() => document.activeElement === document.querySelector('#events .change button')), 'j and k go from line to line');
	await accessible(page, 'the feed');
	await page.keyboard.press('?');
	await waitFor(page, 'the keys are told', () => document.querySelector('#help').open);
	await accessible(page, 'the keys');
	await page.keyboard.press('Escape');
	sql("DELETE FROM bug_reports WHERE title = 'Named'");

	/* The board moves by itself. */
	await page.click('[data-view=board]');
	sql("INSERT INTO bug_reports (title, status) SELECT 'bug ' || n, (ARRAY['open', 'in_progress', 'closed'])[1 + n % 3] FROM generate_series(1, 12) n");
	await waitFor(page, 'columns by status, what is open first', () => [...document.querySelectorAll('.column h3')].map((h) => h.textContent).join() === 'open (4),in_progress (4),closed (5)');
	sql("UPDATE bug_reports SET status = 'open' WHERE id = 1");
	await waitFor(page, 'a bug moves', () => [...document.querySelectorAll('.column h3')].map((h) => h.textContent).join() === 'open (5),in_progress (4),closed (4)');
	ok(await page.evaluate(() => /^#1 The list jumps no more/.test(document.querySelector('.column li.moved')?.textContent)), '... and is marked');
	await picture(page, 'board');
	await accessible(page, 'the board');
	await waitFor(page, '... for a while', () => !document.querySelector('.column li.moved'));
	await page.focus('.column[data-status=open] button[data-by="1"]');
	await page.keyboard.press('Enter');
	await waitFor(page, 'columns are ordered as one likes', () => [...document.querySelectorAll('.column')].map((column) => column.dataset.status).join() === 'in_progress,open,closed');
	await waitFor(page, '... by keyboard', () => document.activeElement.dataset.by === '1' && document.activeElement.closest('.column').dataset.status === 'open');
	await page.keyboard.press('Shift+Tab');
	await page.keyboard.press('Enter');
	await waitFor(page, '... and back', () => document.querySelector('.column').dataset.status === 'open');
	sql("UPDATE bug_reports SET status = 'closed' WHERE status = 'in_progress'");
	await waitFor(page, 'an empty column stays', () => [...document.querySelectorAll('.column h3')].map((h) => h.textContent).join() === 'open (5),in_progress (0),closed (8)');
	sql("INSERT INTO comments (bug_report_id, user_id, content) VALUES (1, 2, 'A word on it')");
	await page.fill('#board-q', 'jumps');
	await waitFor(page, 'the board is searched', () => document.querySelectorAll('.column li').length === 1);
	await page.click('.column li button');
	await waitFor(page, 'a card has what happened and what was said', () => document.querySelector('#detail').open && /A word on it/.test(document.querySelector('#detail').innerText) &&
		/status closed → open/.test(document.querySelector('#detail').innerText) && /bug=1/.test(location.hash));
	await picture(page, 'card');
	await accessible(page, 'a card');
	await page.keyboard.press('Escape');
	await page.fill('#board-q', '');
	await page.click('[data-view=feed]');

	/* A restart loses and doubles nothing. */
	await waitFor(page, 'the feed has what came meanwhile', () => /A word on it/.test(document.querySelector('#events .change')?.innerText));
	const last = Math.max(...await seqs(page));

	sql("INSERT INTO projects (name) SELECT 'before ' || n FROM generate_series(1, 20) n");
	console.log('restart');
	await answers.next();
	sql("INSERT INTO projects (name) SELECT 'after ' || n FROM generate_series(1, 20) n");
	await waitFor(page, 'back after a restart', () => /after 20/.test(document.querySelector('#events li').innerText));
	const came = (await seqs(page)).filter((seq) => seq > last);

	ok(came.length === 40 && new Set(came).size === 40 && came.every((seq, i) => i === 0 || (i === 20 ? seq < came[0] : seq > came[i - 1])), 'each event once, in order', `${came.length}`);
	complaints.length = 0;		/* of the cut socket */

	/* Ten thousand events. */
	const began = Date.now();

	sql("INSERT INTO projects (name) SELECT 'many ' || n FROM generate_series(1, 10000) n");
	await waitFor(page, 'ten thousand events', () => /10,000 changes.*show 9,980 more/.test(document.querySelector('#events li').innerText));
	const frame = await page.evaluate(() => new Promise((resolve) => {
		const start = performance.now();

		requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - start)));
	}));

	ok(await page.evaluate(() => document.querySelectorAll('#events .change').length) <= 320, 'not more than can be read are in the page');
	ok(frame < 250, 'the page is quick afterwards', `${frame} ms for two frames; ${Date.now() - began} ms in all`);
	await page.selectOption('#by-type', 'bug_report');
	sql("INSERT INTO bug_reports (title) VALUES ('one more')");
	await waitFor(page, 'and still filters', () => /one more/.test(document.querySelector('#events .change')?.innerText));
	await page.selectOption('#by-type', '');
	await picture(page, 'feed');

	/* Notifications. */
	sql("INSERT INTO bug_reports (title, assignee_id) VALUES ('for bob', 2)");
	await waitFor(page, 'a notification is counted', () => /^[1-9]/.test(document.querySelector('#unread').textContent) && !document.querySelector('#unread').hidden);
	await page.click('[data-view=notifications]');
	await waitFor(page, 'and told', () => /for bob A bug was assigned to you/.test(document.querySelector('#told li.unread p')?.textContent));
	await picture(page, 'notifications');
	await accessible(page, 'notifications');
	await page.focus('#told li:last-child button');
	sql("INSERT INTO bug_reports (title, assignee_id) VALUES ('for bob, too', 2)");
	await waitFor(page, 'one more', () => /for bob, too/.test(document.querySelector('#told').innerText));
	ok(await page.evaluate(() => document.activeElement === document.querySelector('#told li:last-child button')), 'the focus stays here, too');
	const left = await page.evaluate(() => document.querySelectorAll('#told li.unread').length);

	await page.click('#told li.unread button');
	await page.evaluate((count) => { window.wanted = count - 1; }, left);
	await waitFor(page, 'read by a click', () => document.querySelectorAll('#told li.unread').length === window.wanted);
	await page.click('#read-all');
	await waitFor(page, 'all of them', () => document.querySelectorAll('#told li.unread').length === 0 && document.querySelector('#unread').hidden);
	ok(await page.evaluate(() => window.requests.filter((type) => type === 'read_all').length) === 1, '... by one request');
	ok(sql("SELECT count(*) FROM bugevents.notifications WHERE user_id = '2' AND NOT read") === '0', '... in the database, too');
	await page.reload();
	await waitFor(page, 'there after a reload', () => document.querySelector('#state').dataset.state === 'open');
	await page.click('[data-view=notifications]');
	await waitFor(page, 'and read', () => document.querySelectorAll('#told li').length > 0 && document.querySelectorAll('#told li.unread').length === 0);
	await page.click('[data-view=feed]');

	/* Numbers are for admins; here everyone is on this machine. */
	const admin = await open({ colorScheme: 'dark', viewport: { width: 390, height: 800 } });

	const alertIs = (state) => sql(`SELECT value FROM bugevents.stats WHERE name = 'bugevents_alerts' AND labels = 'name="journal_size"'`) === state;

	for (const end = Date.now() + 20000; !alertIs('1') && Date.now() < end;)
		await new Promise((resolve) => setTimeout(resolve, 100));
	await admin.goto(`${url}#token=${adminToken}`);
	await waitFor(admin, 'a token by a link', () => document.querySelector('#state').textContent === 'live as 1 (admin)');
	ok(!(await admin.url()).includes('token'), '... which does not stay in the address');
	ok(await admin.evaluate(() => getComputedStyle(document.body).backgroundColor) === 'rgb(20, 23, 26)', 'dark when the system is');
	await waitFor(admin, 'an alert that is older than the page, in every view, with what to do', () => document.querySelector('#alarm').checkVisibility() &&
		/^journal size since .*: [\d.]+ \(threshold 1\)\. .*retention_size/.test(document.querySelector('#alarm').innerText));

	/* Behind a proxy that lets nobody at the metrics. */
	await admin.route('**/metrics', (route) => route.abort());
	await admin.click('[data-view=server]');
	await waitFor(admin, 'charts, of what was before the page was opened', () => document.querySelectorAll('.chart').length === 9 && document.querySelectorAll('.chart path.line').length > 8 &&
		/^Connections: \d+ now, at most \d+$/.test(document.querySelectorAll('.chart svg')[1].getAttribute('aria-label')));
	ok(await admin.evaluate(() => [...document.querySelectorAll('.chart')].every((chart) => chart.querySelectorAll('.axis text').length >= 5)), '... with axes');
	sql('ALTER SYSTEM SET bugevents.alert_journal_size = 0');
	sql('SELECT pg_reload_conf()');
	await waitFor(admin, 'the alert is over', () => document.querySelector('#alarm').hidden && /^journal size: over since/.test(document.querySelector('#alerts').innerText));
	await waitFor(admin, 'who is connected, by name', () => [...document.querySelectorAll('#connected tbody tr')].some((row) => /^bob\s+user\s+127.0.0.1 websocket.*nothing\s+\d.*everything/s.test(row.innerText)) &&
		/this one/.test(document.querySelector('#connected').innerText));
	await waitFor(admin, 'what expressions cost', () => /public.comments\s+comment/.test(document.querySelector('#attached').innerText));
	await picture(admin, 'server');
	await accessible(admin, 'the server, in the dark');
	await admin.fill('#by-connection', 'nobody of this name');
	await waitFor(admin, 'connections are searched', () => document.querySelectorAll('#connected tbody tr').length === 0);
	await admin.fill('#by-connection', '');
	complaints.length = 0;
	await waitFor(admin, 'all of them', () => document.querySelectorAll('#connected tbody tr').length > 1);
	await admin.evaluate(() => {
		window.button = [...document.querySelectorAll('#connected button')].find((button) => /user 2/.test(button.ariaLabel));
		window.button.focus();
		window.asked = window.requests.filter((type) => type === 'inspect').length;
	});
	await waitFor(admin, 'the next numbers', () => window.requests.filter((type) => type === 'inspect').length > window.asked);
	ok(await admin.evaluate(() => document.activeElement === window.button), 'a button by a connection keeps the focus');
	await admin.keyboard.press('Enter');
	await waitFor(admin, 'it is asked first', () => document.querySelector('#confirm').open && /connection of bob/.test(document.querySelector('#confirm').innerText));
	await admin.keyboard.press('Escape');
	ok(await page.evaluate(() => document.querySelector('#state').dataset.state) === 'open', '... and left');
	await admin.evaluate(() => window.button.click());
	await admin.click('#confirm button[value=yes]');
	await waitFor(page, 'an admin ends a connection', () => document.querySelector('#state').dataset.state !== 'open');
	await admin.evaluate(() => window.button.click());
	await admin.click('#confirm button[value=yes]');
	await waitFor(admin, 'what is refused is told', () => document.querySelector('#refusal').innerText !== '');
	ok(await admin.isVisible('#refusal'), '... for all to see');
	complaints.length = 0;

	/* Why it did not arrive, and what somebody else sees. */
	sql("SELECT bugevents.send('secret', 'told', '{\"id\": 9, \"title\": \"for admins\"}', audience => 'admin')");
	await admin.click('[data-view=feed]');
	await waitFor(admin, 'what is for admins', () => /for admins/.test(document.querySelector('#events .change')?.innerText));
	await admin.click('#events .change button');
	await admin.fill('.why input', 'bob');
	await admin.keyboard.press('Enter');
	await waitFor(admin, 'why it did not reach somebody', () => /It did not reach bob/.test(document.querySelector('.findings').innerText) &&
		/right \(the reason\): the user is not in the audience/.test(document.querySelector('.findings').innerText));
	await picture(admin, 'explain');
	await accessible(admin, 'an explanation, in the dark');
	ok(/why=2/.test(admin.url()), '... with a link');
	await admin.keyboard.press('Escape');
	await waitFor(admin, 'closed', () => !document.querySelector('#detail').open);
	sql("INSERT INTO bug_reports (title) VALUES ('for everybody')");
	await admin.click('#filter summary');
	await admin.fill('#as', 'bob');
	await admin.keyboard.press('Tab');
	await waitFor(admin, 'the feed as somebody else sees it', () => /for everybody/.test(document.querySelector('#events').innerText) && !/for admins/.test(document.querySelector('#events').innerText) &&
		/What bob may see/.test(document.querySelector('#as-note').innerText));
	await admin.click('#clear-filter');
	await waitFor(admin, '... and as oneself', () => /for admins/.test(document.querySelector('#events').innerText));
	await admin.click('[data-view=server]');
	ok(await admin.evaluate(() => document.querySelector('#connected thead').offsetHeight < 50), 'who is connected can be read on a phone');
	for (const view of ['board', 'notifications', 'server', 'feed']) {
		await admin.click(`[data-view=${view}]`);
		await waitFor(admin, `${view} fits a phone`, () => document.documentElement.scrollWidth <= window.innerWidth);
		await picture(admin, `phone-${view}`, { fullPage: true });
		await accessible(admin, `${view} on a phone, in the dark`);
	}
	sql("INSERT INTO bug_reports (title, description) VALUES ('A long one', repeat('long', 100))");
	await waitFor(admin, 'a long one', () => /A long one/.test(document.querySelector('#events').innerText));
	await admin.click('#events .change button');
	ok(await admin.evaluate(() => document.querySelector('#detail').open && document.querySelector('#detail').scrollWidth <= document.querySelector('#detail').clientWidth &&
		[...document.querySelectorAll('#detail tbody th')].every((cell) => {
			const range = document.createRange();

			range.selectNodeContents(cell);
			return range.getClientRects().length === 1;
		})), 'so does a detail, and can be read');
	ok(await admin.evaluate(() => [...document.querySelectorAll('#events time')].every((time) => time.scrollWidth <= time.clientWidth)), '... and the times of events');
	await picture(admin, 'phone-detail');
	await admin.keyboard.press('Escape');
	await admin.click('#pause');
	await admin.click('#leave');
	ok(await admin.evaluate(() => !/127\.0\.0\.1|journal|A long one|Welcome/.test(document.querySelector('main').textContent)), 'signed out, nothing stays in the page');
	ok(await admin.isVisible('#sign-in') && await admin.evaluate(() => sessionStorage.length) === 0, 'signed out, the token is forgotten');

	await admin.evaluate(() => { window.hold = true; });
	await admin.fill('#token', token);
	await admin.click('#sign-in button');
	await waitFor(admin, 'the next one signs in', () => document.querySelector('#state').textContent === 'live as 2 (user)' && window.held.length > 0);

	/* A bug that goes while the rows that have it are on their way. */
	sql("DELETE FROM bug_reports WHERE title = 'bug 5'");
	await waitFor(admin, '... and sees what happens', () => /deleted.*bug 5/s.test(document.querySelector('#events').innerText));
	await admin.evaluate(() => {
		window.hold = false;
		for (const go of window.held)
			go();
	});
	await admin.click('[data-view=board]');
	await waitFor(admin, 'the board', () => /bug 6/.test(document.querySelector('#columns').innerText));
	ok(await admin.evaluate(() => !/bug 5/.test(document.querySelector('#columns').innerText)), 'a bug that is gone does not come back');
	sql('SET client_min_messages = warning; TRUNCATE bug_reports CASCADE');
	await waitFor(admin, 'and none is there after TRUNCATE', () => document.querySelectorAll('.column').length > 0 && !document.querySelector('.column li'));

	/* Counters that begin anew, as after a restart. */
	const grown = await admin.evaluate(async () => {
		const { delays, perSecond, quantile, roundUp } = await import('/console/series.js');
		const at = (second, sent, ...counts) => ({ at: `2026-01-31T12:00:${second}.000000Z`, sent, delays: [...counts, ...Array(13 - counts.length).fill(0)] });
		const samples = [at('10', 100, 30, 20, 10), at('20', 150, 30, 20, 10), at('30', 20, 2, 6, 2), at('40', 40, 3, 6, 102)];

		return [perSecond(samples, 'sent'), delays(samples).map((counts) => [quantile(counts, 0.5), quantile(counts, 0.99)]), [0.3, 7, 40, 1000].map(roundUp)];
	});

	ok(JSON.stringify(grown) === '[[5,2,2],[[null,null],[0.0025,0.005],[0.005,0.005]],[0.5,10,50,1000]]', 'counters that begin anew are what they grew by', JSON.stringify(grown));
	await admin.click('[data-view=server]');
	await waitFor(admin, 'how the server is, is for admins', () => document.querySelector('#not-admin').checkVisibility() && !document.querySelector('#of-server').checkVisibility());

	/* One connection for all tabs, by a worker that the page's strict policy lets in. */
	const shared = await page.evaluate(async (given) => {
		const { connect } = await import('/bugevents.js');
		const workers = [];

		window.SharedWorker = class extends SharedWorker {
			constructor(...options) {
				super(...options);
				workers.push(this);
			}
		};
		const connections = [1, 2].map(() => connect({ url: '/ws', token: given, shared: true }));

		await Promise.all(connections.map((connection) => new Promise((resolve, reject) => {
			connection.on('ready', resolve);
			connection.on('close', reject);
		})));
		const ids = connections.map(({ session }) => session.connection_id);

		for (const connection of connections)
			connection.close();
		return [workers.length, new Set(ids).size];
	}, token);

	ok(shared[0] > 0 && shared[1] === 1, 'a shared worker, by the strict policy', String(shared));

	/* What a screen reader needs. */
	ok(await page.evaluate(() => [...document.querySelectorAll('input, select, textarea')].every((field) => field.labels.length > 0)), 'every field has a label');
	ok(await page.evaluate(() => [...document.querySelectorAll('button')].every((button) => button.innerText.trim() || button.textContent.trim())), 'every button has a text');
	ok(complaints.length === 0, 'the browser has nothing to complain about', complaints.join('; '));
} catch (error) {
	ok(false, 'the whole run', error.stack);
} finally {
	await browser.close();
	process.stdin.destroy();
}

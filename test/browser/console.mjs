/*
 * console.mjs - the console in a browser, as a user sees it.
 *
 *	node console.mjs URL TOKEN ADMIN-TOKEN      with psql's settings in the environment;
 * says "ok NAME" or "not ok NAME" a line; SCREENSHOTS names a folder for pictures.
 * A line "restart" asks the test to restart the server; it answers with a line.
 */
import { execFileSync } from 'node:child_process';
import { createInterface } from 'node:readline';

import { chromium } from 'playwright-core';

const [url, token, adminToken] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const complaints = [];

function sql(text) {
	return execFileSync('psql', ['-XAtqc', text], { encoding: 'utf8' }).trim();
}

function ok(good, name, detail = '') {
	console.log(`${good ? 'ok' : 'not ok'} ${name}${good ? '' : `: ${detail}`}`);
}

/* By evaluating again and again: the driver's own waiting needs eval, which the page forbids. */
async function waitFor(page, name, condition) {
	const end = Date.now() + 10000;
	let good = false;

	while (!(good = await page.evaluate(condition)) && Date.now() < end)
		await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 20)));
	ok(good, name, good ? '' : await page.evaluate(() => document.body.innerText.slice(0, 500).replaceAll('\n', ' | ')));
}

async function picture(page, name) {
	if (process.env.SCREENSHOTS)
		await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` });
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

async function open(options = {}) {
	const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
	const page = await context.newPage();

	await page.addInitScript(() => {
		const send = WebSocket.prototype.send;

		window.requests = [];
		WebSocket.prototype.send = function (text) {
			window.requests.push(JSON.parse(text).type);
			send.call(this, text);
		};
	});
	page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
	page.on('pageerror', (error) => complaints.push(String(error)));
	await page.goto(url);
	return page;
}

const first = (page) => page.evaluate(() => document.querySelector('#events li')?.innerText ?? '');
const seqs = (page) => page.evaluate(() => [...document.querySelectorAll('#events li')].map((line) => Number(line.dataset.seq)));

try {
	const page = await open();

	/* Signing in. */
	ok(await page.isVisible('#sign-in') && !await page.isVisible('nav'), 'without a token there is a door, and no data');
	await page.fill('#token', 'nonsense');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	await waitFor(page, 'a bad token: why', () => /invalid_token/.test(document.querySelector('#refusal').textContent));
	complaints.length = 0;		/* the browser's own, of the closed socket */
	await page.fill('#token', token);
	await page.click('#sign-in button');
	await waitFor(page, 'signed in', () => document.querySelector('#state').textContent === 'live as 2 (user)');
	ok(!(await page.url()).includes(token), 'the token is not in the address');

	/* A change made by SQL, within a second. */
	const before = Date.now();

	sql("INSERT INTO bug_reports (title, status, project_id) VALUES ('The list jumps', 'open', 1)");
	await waitFor(page, 'a change is seen', () => /The list jumps/.test(document.querySelector('#events')?.innerText));
	ok(Date.now() - before < 1000, 'within a second', `${Date.now() - before} ms`);
	sql("UPDATE bug_reports SET status = 'closed', title = 'The list jumps no more'");
	await waitFor(page, 'an update', () => /status_changed/.test(document.querySelector('#events li').innerText));
	await page.focus('#events li button');
	sql("INSERT INTO projects (name) VALUES ('another event')");
	await waitFor(page, 'another event comes', () => /another event/.test(document.querySelector('#events').innerText));
	ok(await page.evaluate(() => /status_changed/.test(document.activeElement.innerText)), 'what has the focus keeps it');
	await page.keyboard.press('Enter');
	await waitFor(page, 'its detail, by keyboard', () => document.querySelector('#detail').open &&
		[...document.querySelectorAll('#detail tr.changed td')].map((cell) => cell.textContent).join(' ').includes('status open closed'));
	await picture(page, 'detail');
	await page.keyboard.press('Escape');

	/* Nothing of a row is markup. */
	sql(`INSERT INTO projects (name) VALUES ('<script>window.hit = 1</script><img src=x onerror="window.hit = 2"><b>')`);
	await waitFor(page, 'markup in a row is text', () => document.querySelector('#events li .title').textContent.includes('<script>'));
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
	await waitFor(page, 'filtered by type', () => document.querySelectorAll('#events li').length === 2);
	await page.selectOption('#by-type', '');
	await page.fill('#by-bug', '1');
	await waitFor(page, 'filtered by bug', () => document.querySelectorAll('#events li').length === 3);
	await page.fill('#by-bug', '');
	await page.click('#pause');
	sql("INSERT INTO projects (name) VALUES ('while paused')");
	await waitFor(page, 'paused: counted, not shown', () => /1 while paused/.test(document.querySelector('#count').textContent));
	ok(!/while paused/.test(await first(page)), '... not shown');
	await page.click('#pause');
	await waitFor(page, 'going on', () => /while paused/.test(document.querySelector('#events li').innerText));

	/* The board moves by itself. */
	await page.click('[data-view=board]');
	sql("INSERT INTO bug_reports (title, status) SELECT 'bug ' || n, (ARRAY['open', 'in_progress', 'closed'])[1 + n % 3] FROM generate_series(1, 12) n");
	await waitFor(page, 'columns by status', () => [...document.querySelectorAll('.column h3')].map((h) => h.textContent).join() === 'closed (5),in_progress (4),open (4)');
	sql("UPDATE bug_reports SET status = 'open' WHERE id = 1");
	await waitFor(page, 'a bug moves', () => [...document.querySelectorAll('.column h3')].map((h) => h.textContent).join() === 'closed (4),in_progress (4),open (5)');
	await picture(page, 'board');
	await page.click('[data-view=feed]');

	/* A restart loses and doubles nothing. */
	await waitFor(page, 'the feed has what came meanwhile', () => /status_changed/.test(document.querySelector('#events li')?.innerText));
	const last = Math.max(...await seqs(page));

	sql("INSERT INTO projects (name) SELECT 'before ' || n FROM generate_series(1, 20) n");
	console.log('restart');
	await answers.next();
	sql("INSERT INTO projects (name) SELECT 'after ' || n FROM generate_series(1, 20) n");
	await waitFor(page, 'back after a restart', () => /after 20/.test(document.querySelector('#events li').innerText));
	const came = (await seqs(page)).filter((seq) => seq > last);

	ok(came.length === 40 && new Set(came).size === 40 && came.every((seq, i) => i === 0 || seq < came[i - 1]), 'each event once, in order', `${came.length}`);
	complaints.length = 0;		/* of the cut socket */

	/* Ten thousand events. */
	const began = Date.now();

	sql("INSERT INTO projects (name) SELECT 'many ' || n FROM generate_series(1, 10000) n");
	await waitFor(page, 'ten thousand events', () => /many 10000/.test(document.querySelector('#events li').innerText));
	const frame = await page.evaluate(() => new Promise((resolve) => {
		const start = performance.now();

		requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - start)));
	}));

	ok(await page.evaluate(() => document.querySelectorAll('#events li').length) <= 300, 'not more than can be read are in the page');
	ok(frame < 250, 'the page is quick afterwards', `${frame} ms for two frames; ${Date.now() - began} ms in all`);
	await page.selectOption('#by-type', 'bug_report');
	sql("INSERT INTO bug_reports (title) VALUES ('one more')");
	await waitFor(page, 'and still filters', () => /one more/.test(document.querySelector('#events li')?.innerText));
	await page.selectOption('#by-type', '');
	await picture(page, 'feed');

	/* Notifications. */
	sql("INSERT INTO bug_reports (title, assignee_id) VALUES ('for bob', 2)");
	await waitFor(page, 'a notification is counted', () => /^[1-9]/.test(document.querySelector('#unread').textContent) && !document.querySelector('#unread').hidden);
	await page.click('[data-view=notifications]');
	await waitFor(page, 'and told', () => /for bob A bug was assigned to you/.test(document.querySelector('#told li.unread p')?.textContent));
	await picture(page, 'notifications');
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

	await admin.goto(`${url}#token=${adminToken}`);
	await admin.reload();
	await waitFor(admin, 'a token by a link', () => document.querySelector('#state').textContent === 'live as 1 (admin)');
	ok(!(await admin.url()).includes('token'), '... which does not stay in the address');
	await admin.click('[data-view=server]');
	await waitFor(admin, 'numbers', () => [...document.querySelectorAll('.number')].some((number) => /^connections\s*2/.test(number.innerText)));
	ok(await admin.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'it fits a phone');
	ok(await admin.evaluate(() => getComputedStyle(document.body).backgroundColor) === 'rgb(20, 23, 26)', 'dark when the system is');
	await waitFor(admin, 'they follow', () => document.querySelectorAll('.number polyline')[2]?.getAttribute('points').split(' ').length > 2);
	await waitFor(admin, 'who is connected', () => [...document.querySelectorAll('#connected tbody tr')].some((row) => /^2\s+user/.test(row.innerText)) &&
		/this one/.test(document.querySelector('#connected').innerText));
	await picture(admin, 'server');
	complaints.length = 0;
	await admin.evaluate(() => {
		[...document.querySelectorAll('#connected button')].find((button) => /user 2/.test(button.textContent)).focus();
		window.shown = document.querySelectorAll('.number polyline')[2].getAttribute('points').split(' ').length;
	});
	await waitFor(admin, 'the next numbers', () => document.querySelectorAll('.number polyline')[2].getAttribute('points').split(' ').length > window.shown + 1);
	ok(await admin.evaluate(() => /user 2/.test(document.activeElement.textContent)), 'a button by a connection keeps the focus');
	await admin.keyboard.press('Enter');
	await waitFor(page, 'an admin ends a connection', () => document.querySelector('#state').dataset.state !== 'open');
	complaints.length = 0;
	await admin.click('#leave');
	ok(await admin.isVisible('#sign-in') && await admin.evaluate(() => sessionStorage.length) === 0, 'signed out, the token is forgotten');

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

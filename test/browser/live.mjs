/*
 * live.mjs - the page of docs/integration.md in a browser.
 *
 *	node live.mjs URL      with psql's settings in the environment;
 * says "ok NAME" or "not ok NAME" a line.
 */
import { execFileSync } from 'node:child_process';

import { chromium } from 'playwright-core';

const [url] = process.argv.slice(2);
const complaints = [];

function sql(text) {
	execFileSync('psql', ['-XAtqc', text]);
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

try {
	const page = await browser.newPage();

	page.on('console', (message) => message.type() === 'error' && !/favicon/.test(message.location().url) && complaints.push(message.text()));
	page.on('pageerror', (error) => complaints.push(String(error)));
	await page.goto(url);

	const shows = async (name, wanted) => {
		const text = () => page.evaluate(() => document.querySelector('#issues').innerText);
		await page.waitForFunction((part) => document.querySelector('#issues').innerText.includes(part), wanted, { timeout: 60000 })
			.catch(() => {});
		console.log(`${(await text()).includes(wanted) ? 'ok' : 'not ok'} ${name}`);
	};
	await shows('the page shows what is there', 'The list jumps (closed)');
	sql("INSERT INTO issues (summary) VALUES ('It came by itself')");
	await shows('... and what comes', 'It came by itself (open)');
	sql("UPDATE issues SET state = 'closed' WHERE summary = 'It came by itself'");
	await shows('... and changes', 'It came by itself (closed)');
	sql("DELETE FROM issues WHERE summary = 'It came by itself'");
	sql("INSERT INTO issues (summary) VALUES ('Behind the DELETE')");
	await shows('... and what comes behind a DELETE', 'Behind the DELETE (open)');
	console.log(`${/came by itself/.test(await page.innerText('#issues')) ? 'not ok' : 'ok'} ... but not what is gone`);
	console.log(`${complaints.length === 0 ? 'ok' : 'not ok'} the browser has nothing to complain about: ${complaints.join('; ')}`);
} finally {
	await browser.close();
}

/*
 * example.mjs - the example page of the JavaScript client, as the README has it.
 *
 *	node example.mjs URL TOKEN
 *
 * says "ready" when it is connected, and each change of the list that it shows, one JSON text a line, until its
 * input ends.
 */
import { chromium } from 'playwright-core';

const [url, token] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

try {
	const page = await browser.newPage();

	await page.exposeFunction('tell', (what) => console.log(what));
	await page.goto(url);
	await page.evaluate(() => {
		const [list, state] = ['#bugs', '#state'].map((name) => document.querySelector(name));

		new MutationObserver(() => window.tell(JSON.stringify([...list.children].map((line) => line.textContent)))).observe(list, { childList: true });
		new MutationObserver(() => window.tell(state.textContent)).observe(state, { childList: true });
	});
	await page.fill('#token', ` ${token}\n`);
	await page.click('button');
	for await (const _ of process.stdin);
} finally {
	await browser.close();
}

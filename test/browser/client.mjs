/*
 * client.mjs - the JavaScript client in a browser, while its connections are cut.
 *
 *	node client.mjs URL TOKEN; says "ready" when it is connected.  A line "N" on its standard
 * input, until "end": wait for N events, then say how many came, how many of them twice or out of order,
 * how often it was connected, and how often it asked for a resync.
 */
import { createInterface } from 'node:readline';

import { chromium } from 'playwright-core';

const [url, token] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

try {
	const page = await browser.newPage();

	await page.goto(url);
	await page.evaluate(async ({ address, given }) => {
		const { connect } = await import('/bugevents.js');

		window.seen = { seqs: [], sessions: 0, resyncs: 0 };
		const connection = connect({ url: address, token: given, attempts: Infinity, firstDelay: 50, maxDelay: 1000 });

		connection.on('event', (event) => window.seen.seqs.push(event.seq));
		connection.on('resync', () => window.seen.resyncs++);
		await new Promise((resolve) => connection.on('ready', () => {
			window.seen.sessions++;
			resolve();
		}));
	}, { address: new URL('/ws', url).href, given: token });
	console.log('ready');

	for await (const line of createInterface({ input: process.stdin })) {
		if (line === 'end')
			break;
		const answer = await page.evaluate((wanted) => new Promise((resolve) => {
			const end = Date.now() + 60000;
			const look = () => {
				const { seqs, sessions, resyncs } = window.seen;

				if (seqs.length >= wanted || Date.now() > end)
					resolve([seqs.length, seqs.filter((seq, i) => i > 0 && seq <= seqs[i - 1]).length, sessions, resyncs].join(' '));
				else
					setTimeout(look, 20);
			};

			look();
		}), Number(line));

		console.log(answer);
	}
} finally {
	await browser.close();
	process.stdin.destroy();
}

/*
 * mails.mjs - mails in a browser, as a reader sees them.
 *
 *	node mails.mjs FOLDER      with NAME.html in it;
 * says "ok NAME" or "not ok NAME" a line, and writes NAME.png: light, dark, and as wide as a phone
 * side by side.  Nothing is loaded: neither pictures nor anything else.
 */
import { readdirSync } from 'node:fs';

import { chromium } from 'playwright-core';

const folder = process.argv[2];
const LEAST_CONTRAST = 4.5;	// WCAG 2.1, 1.4.3

function ok(good, name, detail = '') {
	console.log(`${good ? 'ok' : 'not ok'} ${name}${good ? '' : `: ${detail}`}`);
}

/* In the page: texts whose color is too near that of what is behind them. */
function findFaint(least) {
	const parse = (text) => text.match(/[\d.]+/g).map(Number);
	const luminance = ([r, g, b]) => {
		const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * x + 0.7152 * y + 0.0722 * z;
	};
	const behind = (element) => {
		for (let e = element; e; e = e.parentElement) {
			const color = parse(getComputedStyle(e).backgroundColor);
			if (color.length < 4 || color[3] > 0) return color;
		}
		return [255, 255, 255];
	};
	return [...document.querySelectorAll('body *')]
		.filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
		.filter((e) => getComputedStyle(e).display !== 'none' && e.getClientRects().length)
		.map((e) => {
			const [a, b] = [parse(getComputedStyle(e).color), behind(e)].map(luminance).sort((x, y) => y - x);
			return [e.textContent.trim().slice(0, 30), (a + 0.05) / (b + 0.05)];
		})
		.filter(([, contrast]) => contrast < least)
		.map(([text, contrast]) => `${text} (${contrast.toFixed(1)})`);
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const file of readdirSync(folder).filter((f) => f.endsWith('.html')).sort()) {
	const name = file.replace('.html', '');
	const pictures = [];

	for (const [look, colorScheme, width] of [['light', 'light', 700], ['dark', 'dark', 700], ['phone', 'light', 360]]) {
		const page = await browser.newPage({ colorScheme, viewport: { width, height: 300 }, javaScriptEnabled: true });
		const asked = [];

		page.on('request', (request) => { if (!request.url().startsWith('file:')) asked.push(request.url()); });
		await page.goto(`file://${folder}/${file}`);
		ok(asked.length === 0, `${name}, ${look}: nothing is loaded`, asked.join(' '));
		const wide = await page.evaluate(() => document.documentElement.scrollWidth);
		ok(wide <= width, `${name}, ${look}: fits`, `${wide} > ${width}`);
		const faint = await page.evaluate(findFaint, LEAST_CONTRAST);
		ok(faint.length === 0, `${name}, ${look}: can be read`, faint.join(', '));
		ok(await page.evaluate(() => document.querySelectorAll('script,img,iframe,object,form,link').length) === 0,
			`${name}, ${look}: only text`);
		pictures.push((await page.screenshot({ fullPage: true })).toString('base64'));
		await page.close();
	}
	const page = await browser.newPage({ viewport: { width: 1800, height: 300 } });
	await page.setContent(`<body style="margin:0;display:flex;align-items:flex-start;gap:20px;background:#888;padding:10px;width:1780px">`
		+ pictures.map((p) => `<img src="data:image/png;base64,${p}">`).join(''));
	await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
	await page.close();
}
await browser.close();

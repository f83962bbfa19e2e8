/*
 * pictures.mjs - pictures of the console for the documents: each view in light, in dark and on a phone.
 *
 *	node pictures.mjs URL FOLDER      where URL has an admin's token in its fragment; script/pictures calls it.
 */
import { chromium } from 'playwright-core';

const [url, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

const LOOKS = {
	light: { viewport: { width: 1280, height: 760 }, colorScheme: 'light' },
	dark: { viewport: { width: 1280, height: 760 }, colorScheme: 'dark' },
	phone: { viewport: { width: 390, height: 760 }, colorScheme: 'light' }
};

const has = (page, selector) => page.locator(selector).first().waitFor();

const VIEWS = {
	feed: ['view=feed', (page) => has(page, '.field .name')],
	board: ['view=board', (page) => has(page, '.column li .assignee')],
	card: ['view=board', async (page) => {
		await has(page, '.column li .assignee');
		await page.locator('.column[data-status=closed] li button').last().click();
		await has(page, '.story .name');
	}],
	explain: ['view=feed&type=notification&why=3', async (page) => {
		await page.locator('.change button').first().click();
		await has(page, '.finding');
		await page.locator('.why').scrollIntoViewIfNeeded();
	}],
	notifications: ['view=notifications', (page) => has(page, '#told li')],
	server: ['view=server&range=10m', (page) => has(page, '.chart .heat')]
};

try {
	for (const [look, options] of Object.entries(LOOKS)) {
		for (const [view, [fragment, ready]] of Object.entries(VIEWS)) {
			const page = await browser.newPage({ ...options, locale: 'en-GB' });

			await page.goto(`${url}&${fragment}`);
			await ready(page);
			await page.screenshot({ path: `${folder}/console-${view}-${look}.png` });
			await page.close();
		}
	}
} finally {
	await browser.close();
}

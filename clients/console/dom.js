/*
 * dom.js - what all views draw with.  Whatever comes from the database becomes text, never markup.
 */
export const $ = (selector) => document.querySelector(selector);

export function element(name, { dataset = {}, ...properties } = {}, ...children) {
	const node = Object.assign(document.createElement(name), properties);

	Object.assign(node.dataset, dataset);
	node.append(...children);
	return node;
}

/* As replaceChildren; but what stays is not moved, so that it keeps the focus. */
export function arrange(parent, nodes) {
	const wanted = new Set(nodes);

	for (const child of [...parent.children])
		if (!wanted.has(child))
			child.remove();
	nodes.forEach((node, i) => {
		if (parent.children[i] !== node)
			parent.insertBefore(node, parent.children[i] ?? null);
	});
}

const due = new Set();

/* Draw once, with the next frame, however often it is asked for. */
export function soon(draw) {
	if (due.size === 0)
		requestAnimationFrame(() => {
			const now = [...due];

			due.clear();
			for (const one of now)
				one();
		});
	due.add(draw);
}

/* A value of a row as text; nothing for null. */
export function text(value) {
	return value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/* Keep the options of a select: the first one stays, the others are these [value, text]. */
export function choices(select, options) {
	const there = [...select.options].slice(1);

	if (there.length === options.length && options.every(([value, name], i) => there[i].value === value && there[i].text === name))
		return;
	const { value } = select;

	select.replaceChildren(select.options[0], ...options.map(([one, name]) => element('option', { value: one, textContent: name })));
	select.value = value;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

export function bytes(count) {
	let i = 0;

	for (; count >= 1000 && i < UNITS.length - 1; i++)
		count /= 1000;
	return `${count.toFixed(i && count < 10 ? 1 : 0)} ${UNITS[i]}`;
}

/* "3 min", of seconds. */
export function span(seconds) {
	for (const [unit, size] of [['d', 86400], ['h', 3600], ['min', 60]])
		if (seconds >= 2 * size)
			return `${Math.floor(seconds / size)} ${unit}`;
	return seconds < 10 ? `${Number(seconds.toFixed(1))} s` : `${Math.round(seconds)} s`;
}

export function tell(why) {
	$('#refusal').textContent = why;
}

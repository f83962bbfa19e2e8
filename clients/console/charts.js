/*
 * charts.js - the server's numbers of the last hour, with axes and units.
 *
 * Model: the server keeps the samples, so a chart is whole when the page is opened. Each is an SVG that says in words what it shows.
 */
import { adjust, asked } from './address.js';
import { $, bytes, element } from './dom.js';
import { BOUNDS, delays, perSecond, quantile, roundUp } from './series.js';

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [400, 170, 70, 24, 10];
const RANGES = { '10m': 600, '1h': 3600 };
const RANGE_DEFAULT = '1h';

const count = (value) => value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString() : value.toPrecision(2);
const perSec = (value) => `${count(value)}/s`;
const delay = (value) => value === Infinity ? 'more' : value < 1 ? `${Number((value * 1000).toFixed(1))} ms` : `${value} s`;

/* Each line: [its name, values by sample; null is a gap]; the values are one fewer than samples where they are rates. */
const CHARTS = [
	['Connections', count, (samples) => [['connected', samples.map((one) => one.connections)], ['behind', samples.map((one) => one.lagging)]]],
	['Events', perSec, (samples) => [['delivered', perSecond(samples, 'delivered')], ['captured', perSecond(samples, 'captured')]]],
	['Bytes sent', (value) => `${bytes(value)}/s`, (samples) => [['sent', perSecond(samples, 'bytes_sent')]]],
	['Errors told to clients', perSec, (samples) => [['errors', perSecond(samples, 'errors')]]],
	['Projector behind, events', count, (samples) => [['events', samples.map((one) => one.projector_lag)]]],
	['Mail and messages', count, (samples) => [['waiting', samples.map((one) => one.waiting)], ['given up', samples.map((one) => one.dead)]]],
	['Queue', bytes, (samples) => [['used', samples.map((one) => one.queue_bytes)]]],
	['Journal', bytes, (samples) => [['size', samples.map((one) => one.journal_bytes)]]]
];

function svg(name, attributes = {}, ...children) {
	const node = document.createElementNS('http://www.w3.org/2000/svg', name);

	for (const [key, value] of Object.entries(attributes))
		node.setAttribute(key, value);
	node.append(...children);
	return node;
}

const label = (x, y, words, anchor) => svg('text', { x, y, 'text-anchor': anchor }, words);

/* ---- axes ---- */

const clock = (at) => new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

function scale(samples) {
	const end = Date.parse(samples[samples.length - 1].at);
	const start = end - 1000 * (RANGES[asked('range')] ?? RANGES[RANGE_DEFAULT]);

	return { start, end, x: (at) => LEFT + (WIDTH - LEFT - 8) * (at - start) / (end - start) };
}

function timeAxis({ start, end, x }) {
	const marks = [start, (start + end) / 2, end];

	return svg('g', { class: 'axis' }, svg('line', { x1: LEFT, y1: HEIGHT - BOTTOM, x2: WIDTH - 8, y2: HEIGHT - BOTTOM }),
		...marks.map((at, i) => label(x(at), HEIGHT - 5, clock(at), ['start', 'middle', 'end'][i])));
}

function valueAxis(top, write) {
	const y = (value) => HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top;

	return [y, svg('g', { class: 'axis' }, ...[0, top / 2, top].flatMap((value) =>
		[svg('line', { x1: LEFT, y1: y(value), x2: WIDTH - 8, y2: y(value) }), label(LEFT - 5, y(value) + 4, write(value), 'end')]))];
}

/* ---- a chart of lines ---- */

/* Where there is no value, or no sample for long, it is interrupted. */
function path(points) {
	let pen = 'M';
	let before = null;

	return points.map(([x, y]) => {
		const from = before !== null && x - before > 12 ? 'M' : pen;

		pen = y === null ? 'M' : 'L';
		before = x;
		return y === null ? '' : `${from}${x.toFixed(1)} ${y.toFixed(1)}`;
	}).join('');
}

const inRange = (samples, { start }) => samples.filter(({ at }) => Date.parse(at) >= start);

function frame(name, words, picture, legend) {
	return element('figure', { className: 'chart' }, element('figcaption', {}, element('span', { textContent: name }), element('b', { textContent: words })), picture,
		element('p', { className: 'legend' }, ...legend));
}

function lineChart([name, write, lines], samples) {
	const axis = scale(samples);
	const shown = inRange(samples, axis);
	const all = lines(shown);
	const top = roundUp(Math.max(2, ...all.flatMap(([, values]) => values.filter((value) => value !== null))));
	const [y, values] = valueAxis(top, write);
	const now = all[0][1][all[0][1].length - 1];
	const words = now === undefined ? '...' : now === null ? 'does not run' : write(now);
	const most = Math.max(0, ...all[0][1]);

	return frame(name, words, svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `${name}: ${words} now, at most ${write(most)}` }, values, timeAxis(axis),
		...all.map(([, series], i) => svg('path', { class: `line line-${i}`,
			d: path(series.map((value, j) => [axis.x(Date.parse(shown[j + shown.length - series.length].at)), value === null ? null : y(value)])) }))),
	all.length > 1 ? all.map(([line], i) => element('span', { className: `key key-${i}`, textContent: line })) : []);
}

/* ---- delays: how many by how long, over time ---- */

function heatmap(samples) {
	const axis = scale(samples);
	const shown = inRange(samples, axis);
	const columns = delays(shown);
	const height = (HEIGHT - BOTTOM - TOP) / BOUNDS.length;
	const y = (bucket) => HEIGHT - BOTTOM - height * (bucket + 1);
	const total = BOUNDS.map((_, bucket) => columns.reduce((sum, counts) => sum + counts[bucket], 0));
	const [half, most] = [0.5, 0.99].map((share) => quantile(total, share));
	const words = half === null ? 'none' : `half within ${delay(half)}, 99 % within ${delay(most)}`;
	const cells = columns.flatMap((counts, i) => {
		const all = counts.reduce((sum, one) => sum + one, 0);
		const [from, to] = [shown[i].at, shown[i + 1].at].map((at) => axis.x(Date.parse(at)));

		return counts.map((one, bucket) => one === 0 ? '' : svg('rect', { class: 'heat', x: from.toFixed(1), y: y(bucket).toFixed(1), width: Math.max(0.8, to - from).toFixed(1),
			height: height.toFixed(1), 'fill-opacity': (0.15 + 0.85 * one / all).toFixed(2) })).filter(Boolean);
	});
	const marks = svg('g', { class: 'axis' }, ...[0, 3, 6, 9, 11].map((bucket) => label(LEFT - 5, y(bucket) + 4, delay(BOUNDS[bucket]), 'end')));

	return frame('Delay, commit to socket', words, svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `Delays: ${words}` }, marks, timeAxis(axis), ...cells),
		[element('span', { textContent: 'the stronger the colour, the more of the events' })]);
}

/* ---- all of them ---- */

const samples = [];

export function addSamples(more) {
	samples.push(...more.filter(({ at }) => samples.length === 0 || at > samples[samples.length - 1].at));
	samples.splice(0, samples.length - 361);
}

export const lastSample = () => samples[samples.length - 1]?.at;

export const forgetSamples = () => { samples.length = 0; };

export function drawCharts() {
	$('#range').value = RANGES[asked('range')] ? asked('range') : RANGE_DEFAULT;
	$('#charts').replaceChildren(...samples.length === 0 ? [] : [heatmap(samples), ...CHARTS.map((chart) => lineChart(chart, samples))]);
}

export function startCharts() {
	$('#range').addEventListener('input', () => adjust({ range: $('#range').value }));
}

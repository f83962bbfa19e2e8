/*
 * series.js - what the server's samples say: rates, shares, and where an axis has its marks.
 */
/** Upper bounds of the buckets of delays, in seconds; the last one has none. */
export const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, Infinity];

const seconds = (sample, before) => Math.max(0.001, (Date.parse(sample.at) - Date.parse(before.at)) / 1000);

/* What a counter grew by; after a restart of the server it begins anew. */
const grown = (now, before) => now >= before ? now - before : now;

/** A counter as a rate: one value for each sample but the first. */
export function perSecond(samples, name) {
	return samples.slice(1).map((sample, i) => grown(sample[name], samples[i][name]) / seconds(sample, samples[i]));
}

/** Of each sample but the first, how many events were delivered with which delay. */
export function delays(samples) {
	return samples.slice(1).map((sample, i) => {
		const anew = sample.delays.some((count, bucket) => count < samples[i].delays[bucket]);

		return sample.delays.map((count, bucket) => anew ? count : count - samples[i].delays[bucket]);
	});
}

/** The bound, in seconds, that this share of them keeps; null: there were none. */
export function quantile(counts, share) {
	const all = counts.reduce((sum, count) => sum + count, 0);
	let sum = 0;

	return all === 0 ? null : BOUNDS[counts.findIndex((count) => (sum += count) >= share * all)];
}

/** A round number that is not below this one: 1, 2 or 5 and zeros. */
export function roundUp(value) {
	const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));

	return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999999);
}

/*
 * address.js - what is looked at, in the address: #view=board&project=3&q=list
 *
 * Model: the fragment is the only place in which that is kept, so a link shows another person the same, and
 * Back goes to what was seen before.  Views read it when they draw, and change it; everybody is told.  It is the fragment, since
 * that reaches no server and no log.  A token in it is taken out at once.
 */
const listeners = new Set();
let values = new URLSearchParams();

export const onAddress = (listener) => listeners.add(listener);

export const asked = (name) => values.get(name) ?? '';

function read() {
	values = new URLSearchParams(location.hash.slice(1));
	const token = values.get('token');

	if (values.has('token')) {
		values.delete('token');
		history.replaceState(history.state, '', href());
	}
	return token;
}

function href() {
	const fragment = values.toString();

	return location.pathname + location.search + (fragment ? `#${fragment}` : '');
}

/* The address with these changes; '' takes one out. */
export function link(changes) {
	const there = new URLSearchParams(values);

	for (const [name, value] of Object.entries(changes))
		if (value === '')
			there.delete(name);
		else
			there.set(name, value);
	return `#${there}`;
}

function change(changes, how) {
	values = new URLSearchParams(link(changes).slice(1));
	history[how](history.state, '', href());
	for (const listener of listeners)
		listener();
}

/* Somewhere else; Back comes here again. */
export const go = (changes) => change(changes, 'pushState');

/* The same, seen otherwise. */
export const adjust = (changes) => change(changes, 'replaceState');

/* What the page was opened with: the token, if there is one; and whatever a link or Back brings later. */
export function begin(onToken) {
	const brought = () => {
		const token = read();

		if (token)
			onToken(token);
		for (const listener of listeners)
			listener();
	};

	addEventListener('popstate', brought);
	return read();
}

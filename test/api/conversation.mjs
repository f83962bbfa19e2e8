// conversation.mjs - a recorded connection against the description.
//
// Everything that the server sent must be as the description says.  What the client sent is judged by
// the server's answer, because tests send mistakes on purpose: what was accepted must be valid, and
// what was refused for its form must not be, unless no schema could say why (BEYOND_SCHEMAS).
//
// Requests are answered in their order, but for those that ask the database; an answer has the request's id, if
// it has one that can be echoed.

const REFUSED_FOR_FORM = ['invalid_message', 'unknown_type', 'missing_field', 'invalid_field'];

// Passed on to the database: answered when it has, by the test where the gateway is alone.
const ASKING = ['get', 'list', 'read', 'read_all', 'watch', 'unwatch', 'inspect', 'explain', 'visible'];

// Refusals of what the schemas find in order.
const BEYOND_SCHEMAS = [
	['invalid_message', 'the message nests deeper than 16 levels', 'deeper than 16',
		(text) => depthOf(text) > 16],
	['invalid_message', 'the message has a number beyond 64 bits', 'what a double can\'t hold, or too many digits',
		(text) => /\d[eE]\+?\d{3}|\d{19}/.test(text)],
	['invalid_message', 'the message has a member twice', 'as it says', hasMemberTwice],
	['invalid_message', 'the payload is too long for this request', 'more than 4096 bytes',
		(text) => Buffer.byteLength(JSON.stringify(JSON.parse(text).payload)) > 4096],
	['invalid_field', 'expected what a page of this list gave as next', 'a place that the connection was not given for this list',
		(text, places) => isOfNoPage(JSON.parse(text), places)],
	['missing_field', 'a required field is missing', 'a state of types that are not named',
		(text) => JSON.parse(text).payload?.state === true],
	['invalid_field', 'rows of this type can\'t be read', 'a type that no table answers', asksForRows],
	['invalid_field', 'rows of this type have no history', 'a type that no table answers', asksForRows],
	['invalid_field', 'no table is attached as this type', 'a type that no table answers', asksForRows],
	['invalid_field', 'rows of this type have no such field', 'a condition on what a table of its own doesn\'t have',
		(text) => JSON.parse(text).payload?.where !== undefined],
	['invalid_field', 'these are too many types for a state', 'more than 16 in all',
		(text) => JSON.parse(text).payload?.state === true],
];

export class Conversation {
	violations = [];
	judged = 0;				// messages, both ways
	flood = 0;				// events that were not recorded
	unanswered = 0;			// requests whose answer the test didn't read: nothing is said of them
	seen = new Map();		// an example of each message, by its name, and of each error, by its code
	#description;
	#byServer;
	#pending = [];			// requests without an answer yet
	#places = new Map();	// where lists go on, as their pages said: next -> listOf() the request

	constructor(recording, description) {
		this.#description = description;
		this.#byServer = recording.server;
		recording.items.forEach(({ sent, received, flood }, i) => {
			if (sent !== undefined) this.#request(sent);
			else if (received !== undefined) this.#fromServer(received, recording.items[i + 1]);
			else if (flood) this.flood++;
		});
		this.unanswered = this.#pending.length;
	}

	#complain(text, why) {
		const shown = text.length > 300 ? `${text.slice(0, 300)}... (${text.length} characters)` : text;
		this.violations.push(`${why}\n  ${shown}`);
	}

	#request(text) {
		let message;
		try {
			message = JSON.parse(text);
		} catch {
			message = undefined;
		}
		this.#pending.push({ text, message, key: echoOf(message?.id) });
	}

	#fromServer(text, next) {
		let message;
		this.judged++;
		try {
			message = JSON.parse(text);
		} catch (error) {
			this.#complain(text, `sent by the server: not JSON: ${error.message}`);
			return;
		}
		if (message.type === 'reply') this.#reply(text, message);
		else this.#unasked(text, message, next);
	}

	#unasked(text, message, next) {
		const wrong = this.#description.wrongAsSent(message);
		if (wrong) this.#complain(text, `sent by the server: ${wrong}`);
		this.seen.set(this.#description.nameOfSent(message), message);
		if (message.type !== 'error' || wrong) return;
		this.seen.set(message.payload.code, message);
		if (this.#isAnswer(message, next)) this.#refusal(text, message);
	}

	// Is an error about a message?  Others end the connection, or say from where it goes on.
	#isAnswer({ id, payload: { code } }, next) {
		if (id !== undefined) return true;
		const ends = next?.close && next.reason === code;
		return this.seen.has('ready') && !ends &&
			(REFUSED_FOR_FORM.includes(code) || code === 'rate_limited' || (code !== 'resync_required' && this.#hasUnnamed()));
	}

	#reply(text, reply) {
		const request = this.#take(JSON.stringify(reply.id), reply.id === null);
		if (!request) {
			this.#complain(text, 'sent by the server: a reply to nothing');
			return;
		}
		this.judged++;
		const { message } = request;
		if (this.#isTests(message)) return;
		const wrong = this.#description.wrongAsRequest(message);
		if (wrong) {
			this.#complain(request.text, `accepted by the server: ${wrong}`);
			return;
		}
		const wrongReply = this.#description.wrongAsReply(message, reply);
		if (wrongReply) this.#complain(text, `sent by the server in reply to ${message.type}: ${wrongReply}`);
		const { name, reply: replyName } = this.#description.requests.get(message.type);
		this.seen.set(name, message).set(replyName, reply);
		if (message.type === 'list' && reply.payload?.next) this.#places.set(reply.payload.next, listOf(message));
	}

	#refusal(text, { id, payload: { code, message: why } }) {
		const request = id !== undefined ? this.#take(JSON.stringify(id), false) : this.#takeUnnamed(code);
		if (!request && code === 'state_interrupted') return;	// its reply was there when it began
		if (!request) {
			this.#complain(text, 'sent by the server: an error about nothing');
			return;
		}
		this.judged++;
		if (code === 'rate_limited' || this.#isTests(request.message)) return;
		const wrong = this.#description.wrongAsRequest(request.message);
		if (!REFUSED_FOR_FORM.includes(code)) {
			if (wrong) this.#complain(request.text, `taken by the server, and answered with ${code}: ${wrong}`);
		} else if (!wrong && !isBeyondSchemas(request.text, code, why, this.#places)) {
			this.#complain(request.text, `valid, but refused by the server with ${code}: ${why}`);
		}
	}

	// What the test answered in the server's stead says nothing of either.
	#isTests(message) {
		return !this.#byServer && (ASKING.includes(message?.type) || Boolean(message?.payload?.state));
	}

	#hasUnnamed() {
		return this.#pending.some(({ key }) => key === undefined);
	}

	#take(key, unnamed) {
		return this.#remove((request) => request.key === (unnamed ? undefined : key));
	}

	// The request that an error without an id is about.
	#takeUnnamed(code) {
		return code === 'rate_limited' || code === 'invalid_message'
			? this.#remove(({ message }) => !ASKING.includes(message?.type)) ?? this.#remove(() => true)
			: this.#take(undefined, true);
	}

	#remove(condition) {
		const i = this.#pending.findIndex(condition);
		return i < 0 ? undefined : this.#pending.splice(i, 1)[0];
	}
}

// An id as it comes back; undefined: it can't.
function echoOf(id) {
	const echo = ['string', 'number'].includes(typeof id) ? JSON.stringify(id) : undefined;
	return echo && Buffer.byteLength(echo) <= 256 ? echo : undefined;
}

function isBeyondSchemas(text, code, why, places) {
	return BEYOND_SCHEMAS.some(([itsCode, message, , holds]) => itsCode === code && message === why && holds(text, places));
}

function asksForRows(text) {
	const { type, payload } = JSON.parse(text);
	return type === 'get' || type === 'list' || payload?.state !== undefined;
}

// What a request lists, whatever the page: places are of it.
function listOf({ payload: { after, limit, ...filter } }) {
	return JSON.stringify(Object.entries(filter).sort());
}

function isOfNoPage(message, places) {
	const { type, payload } = message;
	return type === 'list' && typeof payload.after === 'string' && places.get(payload.after) !== listOf(message);
}

// JSON.parse keeps the last of two members of the same name.
function hasMemberTwice(text) {
	const names = [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/gs)].filter(([, colon]) => colon).length;
	let kept = 0;
	JSON.parse(text, function (key, value) {
		kept += Array.isArray(this) || key === '' ? 0 : 1;
		return value;
	});
	return names > kept;
}

function depthOf(text) {
	let depth = 0, deepest = 0;
	for (const c of text.replace(/"(?:[^"\\]|\\.)*"/gs, '')) {
		if (c === '{' || c === '[') deepest = Math.max(deepest, ++depth);
		else if (c === '}' || c === ']') depth--;
	}
	return deepest;
}

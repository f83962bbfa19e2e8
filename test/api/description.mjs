// description.mjs - docs/asyncapi.yaml as functions that check messages.
import Ajv from 'ajv';

// The message and the row of each type.
const ENTITIES = {
	bug_report: 'bugReport', comment: 'comment', project: 'project', user: 'user', membership: 'membership',
	notification: 'notification', reminder: 'reminder', watch: 'watching', alert: 'alert', schema: 'schema', history: 'historyEntry',
};

// Which variant of the rows holds: whole, as everyone gets them when no field is for admins only;
// inPart, as the file has it; any, where the rows are not the server's.
export const ROWS = { whole: 'whole', inPart: 'inPart', any: 'any' };

export class Description {
	#ajv = new Ajv({ allErrors: true, allowUnionTypes: true, strictTypes: false, validateFormats: false });
	#check = new Map();
	#rows;
	requests = new Map();	// type -> { name, reply }
	messages;				// the names of all

	constructor(document, rows) {
		const copy = structuredClone(document);
		const schemas = copy.components.schemas;
		if (rows === ROWS.whole) schemas.inPart = false;
		if (rows === ROWS.any) for (const name of [...Object.values(ENTITIES), 'row']) if (name in schemas) schemas[name] = {};
		this.#rows = rows;
		this.#ajv.addVocabulary(Object.keys(copy));
		this.#ajv.addSchema(copy, 'asyncapi');
		this.messages = Object.keys(copy.channels.stream.messages);
		for (const { action, messages, reply } of Object.values(copy.operations)) {
			if (action !== 'receive') continue;
			const name = nameOf(messages[0]);
			this.requests.set(copy.components.messages[name].payload.properties.type.const,
				{ name, reply: reply.messages.map(nameOf).find((other) => other !== 'error') });
		}
	}

	isRequest(name) {
		return [...this.requests.values()].some((request) => request.name === name);
	}

	// What is wrong with it as this message; null: nothing.
	wrongAs(name, message) {
		return this.#wrong(`messages/${name}/payload`, message);
	}

	// The name of the message that the server sends unasked, by its type and action.
	nameOfSent({ type, action }) {
		if (type === 'connection') return { ready: 'ready', expiring: 'expiring', stream: 'renamed' }[action];
		if (type === 'state') return 'state';
		return type === 'error' ? 'error' : ENTITIES[type] ?? 'custom';
	}

	wrongAsSent(message) {
		const name = this.nameOfSent(message);
		if (!name) return 'there is no such message';
		const isEvent = name === 'custom' || name === ENTITIES[message.type];
		return this.#rows === ROWS.any && isEvent ? this.#wrong('schemas/event', message) : this.wrongAs(name, message);
	}

	// A reply to this request; of a row or rows, they are of the type that was asked for.
	wrongAsReply(request, reply) {
		const { name, reply: replyName } = this.requests.get(request.type);
		const wrong = this.wrongAs(replyName, reply);
		const rows = name === 'get' ? [reply.payload] : name === 'list' ? reply.payload.items : [];
		return wrong ?? rows.map((row) => this.#wrong(`schemas/${ENTITIES[request.payload.type] ?? 'row'}`, row))
			.find((found) => found) ?? null;
	}

	// What is wrong with what a client sent; null: nothing.
	wrongAsRequest(message) {
		const request = this.requests.get(message?.type);
		return request ? this.wrongAs(request.name, message) : 'it is no request';
	}

	#wrong(place, data) {
		let check = this.#check.get(place);
		if (!check) {
			check = this.#ajv.compile({ $ref: `asyncapi#/components/${place}` });
			this.#check.set(place, check);
		}
		return check(data) ? null : this.#ajv.errorsText(check.errors, { dataVar: '' });
	}
}

function nameOf(reference) {
	return reference.$ref.split('/').pop();
}

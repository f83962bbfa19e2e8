#!/usr/bin/env node
/*
 * types.mjs - clients/js/bugevents.d.ts says of messages what docs/asyncapi.yaml says.
 *
 * Model: both are reduced to the same form, a map from a field to what it may be and whether it may be missing.  A type or an
 * action, a field or a value that one of them has and the other hasn't is a difference.  What an attachment maps
 * (anything of "components/schemas" that has no fixed type) may be narrower in the types, since an application knows its tables.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import yaml from 'js-yaml';
import ts from 'typescript';

const at = (file) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const description = yaml.load(readFileSync(at('docs/asyncapi.yaml'), 'utf8'));
const { messages, schemas } = description.components;

let count = 0, failed = 0;

function same(differences, name) {
	failed += differences.length > 0;
	console.log(`${differences.length ? 'not ok' : 'ok'} ${++count} - ${name}`);
	for (const difference of differences)
		console.log(`# ${difference}`);
}

/* ---- the description: the alternatives of a schema, each a flat list of fields */

function merged(parts) {
	return parts.reduce((all, part) => all.flatMap((left) => part.map((right) => ({
		properties: { ...left.properties, ...narrowed(left.properties, right.properties) },
		required: new Set([...left.required, ...right.required]), open: left.open && right.open
	}))), [{ properties: {}, required: new Set(), open: true }]);
}

/* Two that hold at a time are one. */
function narrowed(left, right) {
	return Object.fromEntries(Object.entries(right).map(([name, schema]) =>
		[name, left[name] ? { allOf: [left[name], schema] } : schema]));
}

/* Whether fields may be missing that an attachment keeps for admins: then the types may say so, and needn't. */
let withheld = false;

function alternatives(schema = {}) {
	if (schema.$ref) {
		const name = schema.$ref.split('/').pop();

		return name === 'inPart' && !withheld ? [] : alternatives(schemas[name]);
	}
	const own = [{ properties: schema.properties ?? {}, required: new Set(schema.required ?? []), open: schema.additionalProperties !== false }];
	const choices = [schema.oneOf, schema.anyOf].filter(Boolean).map((list) => list.flatMap(alternatives));

	return merged([own, ...(schema.allOf ?? []).map(alternatives), ...choices]);
}

function plain(schema, seen = []) {
	return [...seen, ...schema.$ref ? plain(schemas[schema.$ref.split('/').pop()]) : [schema], ...(schema.allOf ?? []).flatMap((one) => plain(one)),
		...(schema.anyOf ?? []).flatMap((one) => plain(one))];
}

/* The JSON types that a value may have; null: any. */
function typesOf(schema) {
	const types = plain(schema).flatMap(({ type, const: only, enum: some }) =>
		type ?? [...some ?? [], ...only === undefined ? [] : [only]].map((value) => typeof value));

	return types.length ? new Set(types.map((type) => type === 'integer' ? 'number' : type)) : null;
}

/* The values that it may have, where they are counted. */
function valuesOf(schema) {
	const values = plain(schema).flatMap(({ const: only, enum: some }) => some ?? (only === undefined ? [] : [only]));

	return values.length ? new Set(values) : null;
}

/* ---- the types */

const program = ts.createProgram([at('clients/js/bugevents.d.ts')], { strict: true, target: ts.ScriptTarget.ES2022, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'] });
const checker = program.getTypeChecker();
const declared = new Map(checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(at('clients/js/bugevents.d.ts'))))
	.map((symbol) => [symbol.name, checker.getDeclaredTypeOfSymbol(symbol)]));

const parts = (type) => type.isUnion() ? type.types : [type];

function kindOf(type) {
	const { flags } = type;

	return flags & ts.TypeFlags.StringLike ? 'string' : flags & ts.TypeFlags.NumberLike ? 'number' : flags & ts.TypeFlags.BooleanLike ? 'boolean' :
		flags & ts.TypeFlags.Null ? 'null' : flags & ts.TypeFlags.Undefined ? 'undefined' : flags & ts.TypeFlags.BigIntLike ? 'bigint' :
			checker.isArrayType(type) || checker.isTupleType(type) ? 'array' : 'object';
}

function fieldOf(symbol) {
	const types = parts(checker.getTypeOfSymbol(symbol));
	const kinds = new Set(types.map(kindOf));
	const isOptional = kinds.delete('undefined') || Boolean(symbol.flags & ts.SymbolFlags.Optional);
	const strings = types.filter(({ flags }) => flags & ts.TypeFlags.StringLike);

	return { kinds, isOptional, any: types.some(({ flags }) => flags & (ts.TypeFlags.AnyOrUnknown | ts.TypeFlags.TypeParameter)),
		values: strings.length && strings.every((type) => type.isStringLiteral()) ? new Set(strings.map(({ value }) => value)) : undefined };
}

const fieldsOf = (type) => new Map(checker.getPropertiesOfType(type).map((symbol) => [symbol.name, fieldOf(symbol)]));
const typeOf = (type, name) => checker.getTypeOfSymbol(checker.getPropertyOfType(type, name));

/* ---- both */

const listed = (set) => [...set].sort().join(' | ');

/* Beyond 2^53 an id is a string here. */
function heard(types) {
	return types.has('number') && !types.has('boolean') ? new Set([...types, 'string']) : types;
}

function differences(one, type, { sent = false } = {}) {
	const fields = fieldsOf(type);
	const found = [];

	for (const [name, schema] of Object.entries(one.properties)) {
		const field = fields.get(name);

		if (!field) {
			found.push(`${name} is not in the types`);
			continue;
		}
		if (!sent && field.isOptional && one.certain.has(name))
			found.push(`${name} is always there`);
		if (!field.isOptional && !one.required.has(name))
			found.push(`${name} may be missing`);
		const types = typesOf(schema);
		const values = valuesOf(schema);
		const foreign = types && !field.any ? [...field.kinds].filter((kind) => !(sent ? new Set([...types, 'bigint']) : heard(types)).has(kind)) : [];

		if (foreign.length)
			found.push(`${name} is ${listed(types)}, and never ${foreign}`);
		if (!one.open && types && !field.any && [...types].some((kind) => !field.kinds.has(kind)))
			found.push(`${name} is ${listed(types)}, the types have ${listed(field.kinds)}`);
		if (values && (!field.values || listed(field.values) !== listed(values)) && !types.has('boolean'))
			found.push(`${name} is one of ${listed(values)}, the types have ${field.values ? listed(field.values) : 'any'}`);
	}
	for (const name of fields.keys())
		if (!(name in one.properties))
			found.push(`${name} is not in the description`);
	return found;
}

/* Of several alternatives what any of them has is there, and what all of them have is not missing. */
function joined(schema) {
	const several = alternatives(schema);
	const properties = Object.assign({}, ...several.map((one) => one.properties));
	const inAll = (list) => new Set(Object.keys(properties).filter((name) => list.every(({ required }) => required.has(name))));

	withheld = true;
	const certain = inAll(alternatives(schema));

	withheld = false;
	return { properties, required: inAll(several), certain, open: several.some(({ open }) => open) };
}

const payloads = declared.get('Payloads');
const described = new Map();	/* by type, the payloads of each action */

for (const message of Object.values(messages)) {
	for (const { properties } of alternatives(message.payload)) {
		const [type] = valuesOf(properties.type) ?? [];

		if (!properties.seq || !type)
			continue;
		if (!described.has(type))
			described.set(type, new Map());
		const actions = described.get(type);

		for (const action of valuesOf(properties.action))
			actions.set(action, { oneOf: [...actions.get(action)?.oneOf ?? [], properties.payload] });
	}
}

const kinds = checker.getPropertiesOfType(payloads).map(({ name }) => name);
const apart = (left, right) => [...left.filter((name) => !right.includes(name)), ...right.filter((name) => !left.includes(name))];

same(apart([...described.keys()], kinds), 'the same types of events');
for (const [type, actions] of described) {
	const have = kinds.includes(type) ? checker.getPropertiesOfType(typeOf(payloads, type)).map(({ name }) => name) : [];

	same(apart([...actions.keys()], have), `${type}: the same actions`);
	for (const [action, schema] of actions)
		if (have.includes(action))
			same(differences(joined(schema), typeOf(typeOf(payloads, type), action)), `${type}.${action}: the same payload`);
}

const within = (schema, name) => joined(schema).properties[name];
const ready = within(messages.ready.payload, 'payload');

same(differences(joined(ready), declared.get('Session')), 'what ready says');
same(differences(joined(within(ready, 'limits')), typeOf(declared.get('Session'), 'limits')), '... and its limits');
same(differences(joined(schemas.event), declared.get('BugEvent')), 'what all events have');

const asked = (name, ours = []) => {
	const request = joined(within(messages[name].payload, 'payload'));

	for (const field of ours)	/* said by the client */
		delete request.properties[field];
	return request;
};

same(differences(asked('subscribe', ['state']), declared.get('Filter'), { sent: true }), 'what one can subscribe to');
same(differences(asked('list', ['type', 'after']), declared.get('ListOptions'), { sent: true }), 'what one can ask a list for');

console.log(`1..${count}`);
process.exit(failed ? 1 : 0);

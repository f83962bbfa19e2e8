#!/usr/bin/env node
// check.mjs - docs/asyncapi.yaml is true: by the official parser, and by what the tests saw.
//
//	check.mjs FOLDER [complete]
//
// FOLDER has the recordings of the test suite's clients; complete: of all tests, so that every message
// and every error code of the description must be among them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Parser } from '@asyncapi/parser';
import yaml from 'js-yaml';
import { Conversation } from './conversation.mjs';
import { Description, ROWS } from './description.mjs';
import { readRecording } from './recording.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [folder, complete] = process.argv.slice(2);

// Tests whose attachments keep fields for admins.
const WITHHOLDING = ['303_users.pl', '305_memberships.pl', '006_get.pl', '307_admin_fields.pl', '407_history.pl'];

let count = 0, failed = 0;
function ok(condition, name, details = []) {
	console.log(`${condition ? 'ok' : 'not ok'} ${++count} - ${name}`);
	if (condition) return;
	failed++;
	for (const detail of details) console.log(detail.replace(/^/gm, '#   '));
}

function equal(got, wanted, name) {
	ok(JSON.stringify(got) === JSON.stringify(wanted), name, [`got:    ${JSON.stringify(got)}`, `wanted: ${JSON.stringify(wanted)}`]);
}

function content(file) {
	return readFileSync(join(root, file), 'utf8');
}

// ---- The file

const text = content('docs/asyncapi.yaml');
const document = yaml.load(text);
const { diagnostics } = await new Parser().parse(text);
const complaints = diagnostics.filter(({ severity }) => severity <= 1);
ok(complaints.length === 0, 'the official parser has nothing against it',
	complaints.map(({ message, path, range }) => `line ${range.start.line + 1}, ${path.join('.')}: ${message}`));
equal(document.info.version, /^default_version = '(.*)'/m.exec(content('bugevents.control'))[1], 'its version is the extension\'s');

const codes = document.components.messages.error.payload.properties.payload.oneOf
	.flatMap(({ properties: { code } }) => code.enum ?? [code.const]);
const inWords = content('docs/protocol.md').split('\n## ').find((section) => section.startsWith('Errors'));
const tabled = [...inWords.matchAll(/^\| ((?:`[a-z_]+`(?:, )?)+) \| (.*)/gm)]
	.filter(([, , when]) => !when.includes('No message')).flatMap(([, names]) => names.match(/[a-z_]+/g));
equal([...new Set(tabled)].sort(), [...codes].sort(), 'its error codes are those of docs/protocol.md');

// ---- The recordings

const descriptions = Object.fromEntries(Object.values(ROWS).map((rows) => [rows, new Description(document, rows)]));
const tests = new Map();	// name -> { conversations, messages, violations }
const seen = new Map();

for (const file of readdirSync(folder)) {
	const recording = readRecording(join(folder, file));
	const rows = !recording.server ? ROWS.any : WITHHOLDING.includes(recording.test) ? ROWS.inPart : ROWS.whole;
	const { judged, flood, unanswered, violations, seen: here } = new Conversation(recording, descriptions[rows]);
	const test = tests.get(recording.test) ?? { conversations: 0, messages: 0, flood: 0, unanswered: 0, violations: [] };
	tests.set(recording.test, test);
	test.conversations++;
	test.messages += judged;
	test.flood += flood;
	test.unanswered += unanswered;
	test.violations.push(...violations);
	here.forEach((message, name) => seen.set(name, message));
}

for (const [name, test] of [...tests].sort()) {
	const aside = [[test.unanswered, 'requests whose answers were not read'], [test.flood, 'events of floods']]
		.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`).join(', ');
	ok(test.violations.length === 0, `${name}: ${test.messages} messages of ${test.conversations} connections` +
		(aside && ` (not looked at: ${aside})`), test.violations.slice(0, 20));
}
ok(tests.size > 0, 'something was recorded');
const whole = descriptions[ROWS.whole];
const open = [...seen].filter(([name]) => whole.messages.includes(name) && !whole.isRequest(name))
	.filter(([name, message]) => !whole.wrongAs(name, { ...message, more: 1 })).map(([name]) => name);
equal(open, [], 'a member more would have been noticed in each message of the server');
if (complete) {
	equal(whole.messages.filter((name) => !seen.has(name)), [], 'every message of the description was seen');
	equal(codes.filter((code) => !seen.has(code)), [], 'every error code too');
}
console.log(`1..${count}`);
process.exit(failed > 0 ? 1 : 0);

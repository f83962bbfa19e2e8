#!/usr/bin/env node
/*
 * react.mjs - runs react.test.jsx in a document: the client as an application's bundler takes it, React from here.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { build } from 'esbuild';
import { Window } from 'happy-dom';

const here = fileURLToPath(new URL('.', import.meta.url));
const client = join(here, '../../clients/js');
const folder = mkdtempSync(join(tmpdir(), 'react-'));
const bundle = join(folder, 'test.mjs');

process.on('exit', () => rmSync(folder, { recursive: true }));
await build({
	entryPoints: [join(here, 'react.test.jsx')], outfile: bundle, bundle: true, platform: 'node', format: 'esm', jsx: 'automatic',
	nodePaths: [join(here, 'node_modules')], logLevel: 'error', external: ['./shared.js'],
	banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
	alias: { 'bugevents/react': join(client, 'react.js'), 'bugevents/examples/board': join(client, 'examples/board.jsx'), bugevents: join(client, 'bugevents.js') }
});

const window = new Window();

Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
for (const name of ['navigator', 'HTMLElement', 'HTMLIFrameElement', 'Element', 'Node', 'Event', 'MutationObserver'])
	globalThis[name] ??= window[name];
await import(pathToFileURL(bundle));

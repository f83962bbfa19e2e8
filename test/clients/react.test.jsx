/* react.test.jsx - the hooks in React, over a server in memory; react.mjs bundles and runs it. */
import { StrictMode, Suspense, act, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';

import { connect } from 'bugevents';
import { BugeventsProvider, useCollection, useConnection, useEvents } from 'bugevents/react';
import { Board } from 'bugevents/examples/board';

const STREAM = '90275282-c8f7-42fc-aa58-35e9a7197f09';
let count = 0, failed = 0;

function equal(got, wanted, name) {
	const good = JSON.stringify(got) === JSON.stringify(wanted);

	failed += !good;
	console.log(`${good ? 'ok' : 'not ok'} ${++count} - ${name}`);
	if (!good)
		console.log(`# got:    ${JSON.stringify(got)}\n# wanted: ${JSON.stringify(wanted)}`);
}

/* What the application's sockets lead to. */
class Server {
	seq = 10;
	rows = [{ id: 1, title: 'one', status: 'open', project_id: 1 }, { id: 2, title: 'two', status: 'closed', project_id: 1 }];
	sockets = [];
	subscriptions = [];
	isSlow = false;

	get socketClass() {
		const server = this;

		return class {
			constructor() {
				server.sockets.push(this);
				queueMicrotask(() => this.say({ type: 'connection', action: 'ready', payload: {
					stream: STREAM, seq: server.seq, resumed: server.sockets.length > 1, user_id: '1', ping_interval: 30
				} }));
			}

			say(message) { this.onmessage?.({ data: JSON.stringify(message) }); }
			close() { this.isClosed = true; }
			send(text) {
				const { type, id, payload } = JSON.parse(text);

				this.say({ type: 'reply', id, payload: { seq: server.seq } });
				if (type !== 'subscribe')
					return;
				server.subscriptions.push(payload);
				this.stateId = payload.state ? id : null;
				if (payload.state && !server.isSlow)
					server.giveRows();
			}
		};
	}

	get socket() { return this.sockets[this.sockets.length - 1]; }

	giveRows() {
		this.socket.say({ type: 'state', id: this.socket.stateId, as_of: this.seq, payload: { type: 'bug_report', items: this.rows, first: true, last: true } });
	}

	publish(row, tx = '7', action = 'updated') {
		this.rows = [...this.rows.filter(({ id }) => id !== row.id), row];
		this.socket.say({ type: 'bug_report', action, seq: ++this.seq, tx: { id: tx, n: 1, of: 1 }, at: '', payload: row });
	}
}

function stage(options = {}) {
	const server = Object.assign(new Server(), options);

	return { server, connection: connect({ url: 'ws://db.example/ws', token: 'T', WebSocket: server.socketClass, open: false }) };
}

async function render(element) {
	const place = document.body.appendChild(document.createElement('div'));
	const root = createRoot(place);

	await act(async () => root.render(element));
	return { root, place, text: () => place.textContent };
}

function List(props) {
	const { rows, ready, error } = useCollection('bug_report', props);

	return <ul data-ready={ready}>{error ? error.message : rows.map(({ id, title }) => <li key={id}>{title}</li>)}</ul>;
}

function State() {
	return <i>{useConnection().state}</i>;
}

const tests = {
	async 'rows, and what becomes of them'() {
		const { server, connection } = stage();
		const page = await render(<BugeventsProvider connection={connection}><State /><List /></BugeventsProvider>);

		equal(page.text(), 'openonetwo', 'rows and the state of the connection are shown');
		await act(async () => server.publish({ id: 1, title: 'uno', status: 'open' }));
		equal(page.text(), 'openunotwo', 'a change is');
		await act(async () => page.root.unmount());
		equal([connection.state, server.socket.isClosed], ['closed', true], 'unmounted: closed');
	},

	async 'StrictMode'() {
		const { server, connection } = stage();
		const page = await render(<StrictMode><BugeventsProvider connection={connection}><State /><List /><List /></BugeventsProvider></StrictMode>);

		equal(page.text(), 'openonetwoonetwo', 'StrictMode mounts twice, and all is there');
		equal(server.subscriptions.filter(({ state }) => state).length, 1, '... the rows were asked for once, for both lists');
		await act(async () => server.publish({ id: 3, title: 'three', status: 'open' }));
		equal(page.text(), 'openonetwothreeonetwothree', '... and it is live');
		await act(async () => page.root.unmount());
	},

	async 'Suspense'() {
		const { server, connection } = stage({ isSlow: true });
		const page = await render(<StrictMode><BugeventsProvider connection={connection}><Suspense fallback="wait"><List suspense /></Suspense></BugeventsProvider></StrictMode>);

		equal(page.text(), 'wait', 'Suspense waits for the rows');
		equal(server.subscriptions.length, 1, '... which were asked for once');
		await act(async () => server.giveRows());
		equal(page.text(), 'onetwo', '... until they are there');
		await act(async () => page.root.unmount());
	},

	async 'a filter that changes'() {
		const { server, connection } = stage();
		let choose;

		function Chosen() {
			const [status, set] = useState('open');

			choose = set;
			return <List where={{ status }} />;
		}
		const page = await render(<BugeventsProvider connection={connection}><Chosen /></BugeventsProvider>);

		equal(page.text(), 'one', 'a filter');
		await act(async () => choose('closed'));
		equal(page.text(), 'two', 'another one');
		await act(async () => server.publish({ id: 1, title: 'one', status: 'closed' }));
		equal(page.text(), 'twoone', 'what comes into it');
		await act(async () => page.root.unmount());
	},

	async 'events'() {
		const { server, connection } = stage();
		const got = [];
		let again;

		function Listener() {
			const [n, set] = useState(0);

			again = () => set(n + 1);
			useEvents('bug_report.updated', (event) => got.push([n, event.payload.id]));
			useEvents({ types: ['bug_report'], where: { id: [5] } }, (event) => got.push(event.payload.id));
			return null;
		}
		const page = await render(<StrictMode><BugeventsProvider connection={connection}><Listener /></BugeventsProvider></StrictMode>);

		server.publish({ id: 4 });
		await act(async () => again());
		server.publish({ id: 5 });
		server.publish({ id: 6 }, '7', 'created');
		equal(got, [[0, 4], [1, 5], 5], 'events by name and by filter, once each, to the listener of the last rendering');
		const told = server.subscriptions.length;

		equal(told, 1, '... and rendering again tells the server nothing');
		await act(async () => page.root.unmount());
		equal(got.length, 3, 'unmounted');
	},

	async 'what is wrong'() {
		const { connection } = stage();

		try {
			renderToString(<List />);
			equal(false, true, 'without a provider');
		} catch (error) {
			equal(error.message, 'bugevents: there is no <BugeventsProvider> around this component', 'without a provider that is said');
		}
		equal(renderToString(<BugeventsProvider connection={connection}><State /></BugeventsProvider>), '<i>closed</i>', 'rendered on a server, nothing is opened');
		equal(connection.state, 'closed', '...');
	},

	async 'the board'() {
		const { server, connection } = stage();
		const saves = [];
		const save = (id, patch) => new Promise((resolve, reject) => { saves.push({ id, patch, resolve, reject }); });
		const page = await render(<StrictMode><Board connection={connection} project={1} save={save} /></StrictMode>);
		const columns = () => [...page.place.querySelectorAll('section')].map((section) => [...section.querySelectorAll('li')].map((li) => li.firstChild.textContent));
		const press = async (i) => act(async () => page.place.querySelectorAll('button')[i].click());

		globalThis.alert = () => {};
		equal(columns(), [['one'], ['two']], 'the board');
		await press(0);
		equal([columns(), saves[0].patch], [[[], ['one', 'two']], { status: 'closed' }], 'what one does is shown at once');
		await act(async () => saves[0].resolve('99'));
		equal(columns(), [[], ['one', 'two']], '... also when it is written');
		await act(async () => server.publish({ id: 1, title: 'one!', status: 'closed', project_id: 1 }, '99'));
		equal(columns(), [[], ['one!', 'two']], '... and then it is as it is');
		await act(async () => server.publish({ id: 1, title: 'one', status: 'open', project_id: 1 }, '100'));
		equal(columns(), [['one'], ['two']], '... for whoever changes it next');
		await press(1);
		await act(async () => server.publish({ id: 2, title: 'two', status: 'open', project_id: 1 }, '101'));
		await act(async () => saves[1].resolve(101n));
		await act(async () => server.publish({ id: 2, title: 'two', status: 'closed', project_id: 1 }, '102'));
		equal(columns(), [['one'], ['two']], 'an event that comes before the answer counts');
		await press(0);
		await act(async () => saves[2].reject(new Error('no')));
		equal(columns(), [['one'], ['two']], 'what fails is taken back');
		await act(async () => page.root.unmount());
	}
};

for (const [name, test] of Object.entries(tests)) {
	try {
		await test();
	} catch (error) {
		equal(String(error.stack), null, name);
	}
}
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);

// recording.mjs - what went over one connection, as messages.
//
// The tests' clients write what they send and receive after the handshake, in its order
// (test/perl/BugEvents/WebSocket.pm, test/gateway/harness.py), as chunks: a letter, the length in
// four bytes (big endian), and
//
//	>	bytes that were sent, which may be broken frames or parts of some
//	<	a text message that was received
//	-	nothing: an event was received, as one of a flood
//	x	the payload of a close frame that was received
//
// A file is named after who served the connection, the test, and a number:
// server-003_messages.pl.1234-1, where a whole server did; gateway-live.py.1234-1, where the
// gateway alone did, fed by the test.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const CONTINUATION = 0, TEXT = 1, PING = 9, PONG = 10;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// The text messages in what a client sent, up to a frame that no client may send: the gateway
// looks no further either.
class Frames {
	#bytes = Buffer.alloc(0);
	#message = null;	// the parts of a message that has begun
	#ended = false;

	// Those that end in these bytes.
	*read(bytes) {
		this.#bytes = this.#bytes.length ? Buffer.concat([this.#bytes, bytes]) : bytes;
		let at = 0;
		for (let frame; !this.#ended && (frame = this.#frame(at)) !== null; at = frame.end) {
			const text = this.#take(frame);
			if (text !== null) yield text;
		}
		this.#bytes = this.#bytes.subarray(at);
	}

	// The frame at this place; null: it isn't there yet, or isn't one.
	#frame(at) {
		const bytes = this.#bytes;
		if (bytes.length < at + 2) return null;
		const [first, second] = [bytes[at], bytes[at + 1]];
		const control = (first & 0x08) !== 0;
		let [length, start] = [second & 0x7f, at + 2];
		if (first & 0x70 || second < 0x80 || (control && (first < 0x80 || length > 125))) return this.#end();
		if (length >= 126) {
			const wide = length === 127;
			if (bytes.length < start + (wide ? 8 : 2)) return null;
			length = wide ? Number(bytes.readBigUInt64BE(start)) : bytes.readUInt16BE(start);
			start += wide ? 8 : 2;
			if (length < (wide ? 65536 : 126)) return this.#end();
		}
		const end = start + 4 + length;
		if (bytes.length < end) return null;
		const mask = bytes.subarray(start, start + 4);
		const payload = bytes.subarray(start + 4, end).map((byte, i) => byte ^ mask[i & 3]);
		return { opcode: first & 0x0f, fin: first >= 0x80, payload, end };
	}

	#take({ opcode, fin, payload }) {
		if (opcode === PING || opcode === PONG) return null;
		if (opcode !== (this.#message ? CONTINUATION : TEXT)) return this.#end();
		this.#message = [...this.#message ?? [], payload];
		return fin ? this.#whole() : null;
	}

	#whole() {
		const bytes = Buffer.concat(this.#message);
		this.#message = null;
		try {
			return utf8.decode(bytes);
		} catch {
			return this.#end();
		}
	}

	#end() {
		this.#ended = true;
		return null;
	}
}

function* itemsOf(bytes) {
	const frames = new Frames();
	for (let at = 0; at < bytes.length;) {
		const what = String.fromCharCode(bytes[at]);
		const start = at + 5;
		at = start + bytes.readUInt32BE(at + 1);
		const chunk = bytes.subarray(start, at);
		if (what === '>') for (const text of frames.read(chunk)) yield { sent: text };
		else if (what === '<') yield { received: utf8.decode(chunk) };
		else if (what === '-') yield { flood: true };
		else yield { close: chunk.length >= 2 ? chunk.readUInt16BE(0) : 1005, reason: chunk.toString('utf8', 2) };
	}
}

// { server: by a whole server?, test, items: each { sent }, { received }, { flood } or { close, reason } }
export function readRecording(file) {
	const [, by, test] = /^(server|gateway)-(.*)\.\d+-\d+$/.exec(basename(file));
	return { server: by === 'server', test, items: [...itemsOf(readFileSync(file))] };
}

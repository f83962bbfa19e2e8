/*
 * shared-worker.js - where the hub of shared.js is, in browsers that have SharedWorker.
 */
import { servePort } from './shared.js';

globalThis.onconnect = ({ ports: [port] }) => servePort(globalThis.name, port);

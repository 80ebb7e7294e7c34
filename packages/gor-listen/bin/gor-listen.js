#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// Objects of a listener live no longer than a packet, and still V8 lets their space grow to twice 16 MB within minutes,
// for a gain that cannot be measured. Read when the space would grow: so before the program is loaded.
setFlagsFromString('--semi-space-growth-factor=1');
const { main } = await import('../dist/main.js');

process.exitCode = await main(process.argv.slice(2));

// Replays the requests of a capture file to a server, at their recorded spacing, and says how each was answered.
import { setTimeout as delay } from 'node:timers/promises';
import { createReplayer } from '@gor/replay';
import { requestsOf } from './requests-of.mjs';

const [path, portText, target] = process.argv.slice(2);
if (path === undefined || target === undefined) {
  console.error('Usage: node replay-pcap.mjs FILE.pcap PORT URL[|LIMIT]');
  process.exit(2);
}

try {
  const replayer = createReplayer({
    targets: [target],
    onOutcome: ({ method, requestTarget, status, failure }) =>
      console.log(`${method} ${requestTarget} ${failure ?? status}`.replaceAll(/[^ -~]/g, '?')),
  });
  const startMs = performance.now();
  let startUs;
  for await (const request of requestsOf(path, Number(portText))) {
    startUs ??= request.timestampUs;
    const waitMs = startMs + (request.timestampUs - startUs) / 1000 - performance.now();
    if (waitMs > 0) await delay(waitMs);
    replayer.send(request);
  }
  await replayer.drain();
  await replayer.close();
  const [{ received, answered } = { received: 0, answered: 0 }] = replayer.ledger().targets;
  console.log(`${answered} of ${received} requests were answered`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error); // the message says what to try
  process.exitCode = 1;
}

// The receiving half of gor-replay with nobody behind it: openUdpReceiver, and each request parsed, which is then only counted.
import { parseRequest } from '@gor/http';
import { openUdpReceiver } from '@gor/wire';
import { takeCalls } from './calls.mjs';

let requests = 0;
const receiver = await openUdpReceiver({
  host: '127.0.0.1',
  port: 0,
  onRecord: (record) => {
    if (record.kind !== 'request') return;
    const parsed = parseRequest(record.payload.slice(), record.timestampUs);
    if (typeof parsed === 'string') throw new Error(`a request was refused: ${parsed}`);
    requests += 1;
  },
});
takeCalls({ port: () => receiver.port, count: () => requests });

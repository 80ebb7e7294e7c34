// A replay server that is dead for ten seconds; test/live/ has the same for a shorter time.
import { test } from 'vitest';
import { killReceiver } from '../live/killed-receiver.ts';

test('the replay server is killed for 10 s at 5,000 requests a second', (context) => killReceiver(context, 10));

// The engine ring on interfaces that come and go, go down and up, have several names, and carry VLAN tags.
import { type Direction, type Frame, FrameDecoder } from '@gor/capture';
import { type LiveCapture, type OpenCaptureOptions, openCapture } from '@gor/capture/open-capture';
import { expect, test } from 'vitest';
import { ethernetFrame, ipv4Packet, ipv6Packet } from '../kit/packets.ts';
import { startListen } from './programs.ts';
import { VethLink } from './veth-link.ts';

const request = ethernetFrame(ipv4Packet({ payload: 'GET /', toPort: 80 }));
const other = ethernetFrame(ipv4Packet({ payload: 'GET /', toPort: 81 }));

/** A capture of port 80 with what it told: payloads, and `down name` and `up name` in order. */
async function watch(options: Partial<OpenCaptureOptions>) {
  const payloads: string[] = [];
  const directions = new Set<Direction>();
  const told: string[] = [];
  const decoder = new FrameDecoder({
    onSegment: ({ bytes, payloadStart, payloadEnd, direction }) => {
      payloads.push(String.fromCharCode(...bytes.subarray(payloadStart, payloadEnd)));
      directions.add(direction);
    },
  });
  const capture: LiveCapture = await openCapture({
    engine: 'ring',
    ports: [80],
    onFrame: (frame: Frame) => decoder.push(frame),
    onInterfaceDown: (name) => told.push(`down ${name}`),
    onInterfaceUp: (name) => told.push(`up ${name}`),
    onError: (error) => told.push(error.message),
    ...options,
  });
  return { capture, decoder, payloads, directions, told, [Symbol.asyncDispose]: () => capture.close() };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test.concurrent('tagged packets pass the filter and are read; an interface that goes down comes back', async (context) => {
  using link = new VethLink(context);
  const packets = [ipv4Packet({ payload: 'GET /4', toPort: 80 }), ipv6Packet({ payload: 'GET /6', toPort: 80 })];
  const others = [ipv4Packet({ toPort: 81 }), ipv6Packet({ toPort: 81 })];
  // biome-ignore format: a table
  const tags = [
    [],
    [[0x8100, 5]],
    [[0x88a8, 5], [0x8100, 0x4006]],
    [[0x8100, 5], [0x8100, 0x6006]],
    [[0x88a8, 5], [0x8100, 6], [0x8100, 7]],
  ] as const;
  const frames = [...packets, ...others].flatMap((packet) => tags.map((list) => ethernetFrame(packet, list)));
  const { capture, decoder, payloads, directions, told } = await watch({ interfaces: [link.outside] });
  link.send(frames);
  link.down();
  link.up();
  await until(() => told.length > 0);
  link.send(frames);
  await capture.close();
  const once = tags.flatMap(() => ['GET /4', 'GET /6']);
  expect(payloads.sort()).toEqual([...once, ...once].sort());
  // The system itself sends IPv6 with a hop-by-hop header, which passes the filter unread.
  const { seen, segments, rejected } = decoder.counters();
  expect(seen).toBe(segments + rejected['not-tcp']);
  expect([...directions]).toEqual(['in']);
  expect(told).toEqual([`down ${link.outside}`]);
  expect(capture.counters()).toMatchObject({ interfaceDowns: 1, kernelDrops: 0 });
});

test('any takes interfaces that are made while it runs, and misses none that goes', async (context) => {
  using link = new VethLink(context);
  link.remove();
  await using watching = await watch({ interfaces: ['any'] });
  for (let round = 1; round <= 3; round++) {
    link.make();
    link.send([request, other, request]);
    await until(() => watching.payloads.length === 2 * round);
    link.remove();
  }
  await watching.capture.close();
  expect(watching.payloads).toHaveLength(6);
  expect(watching.told).toEqual([]);
  expect(watching.capture.counters()).toMatchObject({ interfaceDowns: 0, kernelDrops: 0 });
});

test.concurrent('a named interface that is removed and made anew is taken again, up or not at first', async (context) => {
  using link = new VethLink(context);
  await using watching = await watch({ interfaces: [link.outside], isPromiscuous: true });
  const { payloads, told } = watching;
  link.send([request]);
  await until(() => payloads.length === 1);
  link.remove();
  await until(() => told.length === 1);
  link.make();
  await until(() => told.length === 2);
  expect(link.promiscuity()).toBe(1);
  link.send([request, other]);
  await until(() => payloads.length === 2);
  link.remove();
  link.make({ isUp: false });
  await until(() => told.length === 3);
  link.up();
  await until(() => told.length === 4);
  link.send([request]);
  await until(() => payloads.length === 3);
  const [down, up] = [`down ${link.outside}`, `up ${link.outside}`];
  expect(told).toEqual([down, up, down, up]);
  await watching.capture.close();
  expect(watching.capture.counters()).toMatchObject({ interfaceDowns: 2, kernelDrops: 0 });
  expect(payloads).toHaveLength(3);
});

test.concurrent('once the new one is bound, its first packet is taken when it comes up', async (context) => {
  using link = new VethLink(context);
  await using watching = await watch({ interfaces: [link.outside] });
  link.remove();
  await until(() => watching.told.length === 1);
  link.make({ isUp: false });
  await new Promise((resolve) => setTimeout(resolve, 1_500)); // looked for every second
  link.up();
  link.send([request]);
  await until(() => watching.payloads.length === 1);
  await until(() => watching.told.length === 2);
});

test.concurrent('an interface that is down at the start is told, and taken when it comes up', async (context) => {
  using link = new VethLink(context);
  link.down();
  await using watching = await watch({ interfaces: [link.outside] });
  await until(() => watching.told.length === 1);
  link.up();
  link.send([request]);
  await until(() => watching.payloads.length === 1 && watching.told.length === 2);
  expect(watching.told).toEqual([`down ${link.outside}`, `up ${link.outside}`]);
  expect(watching.capture.counters()).toMatchObject({ interfaceDowns: 1 });
});

test.concurrent('an interface that was in another namespace meanwhile is taken again', async (context) => {
  using link = new VethLink(context);
  await using watching = await watch({ interfaces: [link.outside] });
  link.moveAwayAndBack();
  await until(() => watching.told.length === 1);
  link.up();
  await until(() => watching.told.length === 2);
  link.send([request]);
  await until(() => watching.payloads.length === 1);
});

test.concurrent('a renamed interface stays the one that is watched', async (context) => {
  using link = new VethLink(context);
  await using watching = await watch({ interfaces: [link.outside] });
  link.rename(`${link.outside}x`);
  await until(() => watching.told.length === 2);
  link.send([request]);
  await until(() => watching.payloads.length === 1);
});

test.concurrent('several interfaces, each in its own ring, give each packet once', async (context) => {
  using first = new VethLink(context);
  using second = new VethLink(context);
  const names = [first.outside, second.outside];
  await using watching = await watch({ interfaces: [...names, `${first.outside}:1`], bufferBytes: 8 * 2 ** 20 });
  expect(watching.capture.interfaces).toEqual(names);
  first.send([request, request]);
  second.send([request]);
  second.remove();
  await until(() => watching.told.length === 1);
  first.send([request]);
  await watching.capture.close();
  expect(watching.payloads).toHaveLength(4);
  expect(watching.told).toEqual([`down ${second.outside}`]);
});

test.concurrent('promiscuous only where it is asked for, and no longer than it runs', async (context) => {
  using link = new VethLink(context);
  const plain = await watch({ interfaces: [link.outside] });
  expect(link.promiscuity()).toBe(0);
  const promiscuous = await watch({ interfaces: [link.outside], isPromiscuous: true });
  expect(link.promiscuity()).toBe(1);
  await promiscuous.capture.close();
  expect(link.promiscuity()).toBe(0);
  await plain.capture.close();
});

test.concurrent('gor-listen says when an interface is down and when it is up again', async (context) => {
  using link = new VethLink(context);
  const { program, stop } = await startListen('-i', link.outside, '--engine', 'ring', '--promiscuous', '--print');
  link.remove();
  await program.ready(new RegExp(`the interface ${link.outside} is down: its packets are taken again when it is up`));
  link.make();
  await program.ready(new RegExp(`the interface ${link.outside} is up again`));
  link.send([ethernetFrame(ipv4Packet({ payload: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', toPort: 80 }))]);
  expect(await stop()).toMatchObject({ captured: 1, sent: 1, frames: { interfaceDowns: 1, kernelDrops: 0 } });
});

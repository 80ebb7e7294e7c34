// Filter expressions, live: which engine takes them, what passes, and what is said where none does.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Frame, FrameDecoder } from '@gor/capture';
import { openCapture } from '@gor/capture/open-capture';
import { expect, type TestContext, test } from 'vitest';
import { ethernetFrame, ipv4Packet, ipv6Packet } from '../kit/packets.ts';
import { runToEnd } from '../kit/process.ts';
import { needs } from '../kit/rights.ts';
import { VethLink } from './veth-link.ts';

const PACKAGE = join(import.meta.dirname, '../../packages/capture');

/** Payloads of what a link brings through a filter; the engine auto. */
async function through(filter: string, context: TestContext) {
  needs(context, 'capture', 'tcpdump');
  using link = new VethLink(context);
  const payloads: string[] = [];
  const decoder = new FrameDecoder({
    onSegment: ({ bytes, payloadStart, payloadEnd }) =>
      payloads.push(String.fromCharCode(...bytes.subarray(payloadStart, payloadEnd))),
  });
  const onFrame = (frame: Frame) => decoder.push(frame);
  const capture = await openCapture({ interfaces: [link.outside], ports: [1], filter, onFrame });
  const packet4 = (payload: string, toPort: number) => ipv4Packet({ payload, toPort });
  link.send([
    ethernetFrame(packet4('80', 80)),
    ethernetFrame(packet4('81', 81)),
    ethernetFrame(ipv6Packet({ payload: '6', toPort: 80 })),
    ethernetFrame(packet4('one tag', 80), [[0x8100, 5]]),
    // biome-ignore format: one line a frame
    ethernetFrame(packet4('two tags', 80), [[0x88a8, 5], [0x8100, 6]]),
    ethernetFrame(packet4('two tags, priority 2', 80), [
      [0x88a8, 5],
      [0x8100, 0x4006],
    ]),
  ]);
  await capture.close();
  return { capture, payloads };
}

test.for<[filter: string, passes: string[]]>([
  ['tcp dst port 80', ['80', '6', 'one tag']],
  ['tcp dst port 81 or (ip6 and tcp dst port 80)', ['81', '6']],
  ['ip and tcp dst portrange 80-81', ['80', '81', 'one tag']],
  ['inbound and ip6 and tcp', ['6']],
  ['tcp and outbound', []],
])('auto takes ring for "%s", and that passes', async ([filter, passes], context) => {
  const { capture, payloads } = await through(filter, context);
  expect(capture).toMatchObject({ engine: 'ring', note: undefined, filters: [filter] });
  expect(payloads).toEqual(passes);
  expect(capture.counters().kernelDrops).toBe(0);
});

test('auto takes cap for what is said about the link layer, and says why', async (context) => {
  const { capture, payloads } = await through('vlan and tcp dst port 80', context);
  expect(capture).toMatchObject({
    engine: 'cap',
    note: expect.stringMatching(/^engine cap, because: .*no VLAN support/),
  });
  expect(payloads).toContain('one tag');
  expect(payloads).not.toContain('80');
});

test.for<[line: string, said: RegExp]>([
  ['--filter tcp_prot_80', /The filter "tcp prot 80" is not valid: .*syntax error/],
  ['--engine ring --filter tcp_prot_80', /The filter "tcp prot 80" is not valid: .*syntax error/],
  ['--engine cap --filter tcp_prot_80', /The filter "tcp prot 80" is not valid on any: .*syntax error/],
  [
    '--engine ring --filter vlan',
    /The filter "vlan" is about the link layer, .*: no VLAN support.* The engine cap takes it\./,
  ],
  ['--engine ring --filter ip6_protochain_6', /is not one for the kernel, .*The engine cap takes it\./],
  ['--promiscuous', /--promiscuous goes with interfaces by their names/],
])('gor-listen %s: exit 2', async ([line, said], context) => {
  needs(context, 'capture', 'tcpdump');
  const { code, stderr } = await runToEnd('gor-listen', [
    ...line.split(' ').map((word) => word.replaceAll('_', ' ')),
    '--print',
  ]);
  expect(stderr).toMatch(said);
  expect(code).toBe(2);
});

test('without tcpdump auto takes cap, without both the line says what to install', (context) => {
  needs(context, 'capture', 'tcpdump');
  const tell = (folder: string, filter: string, engine: string) => {
    const source = `
      const { openCapture } = await import(${JSON.stringify(join(folder, 'dist/open-capture.js'))});
      const options = { engine: '${engine}', interfaces: ['lo'], filter: '${filter}', onFrame: () => {} };
      const said = await openCapture(options).then(async (capture) => {
        await capture.close();
        return [capture.engine, capture.note ?? ''];
      }, (error) => [error.code, error.message]);
      console.log(said.join(': '));
      process.exit();`;
    const env = { ...process.env, PATH: '/nowhere' };
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { env, encoding: 'utf8' });
    return stdout.trim();
  };
  const folder = mkdtempSync(join(tmpdir(), 'gor-without-cap-'));
  try {
    for (const part of ['dist', 'build', 'package.json'])
      cpSync(join(PACKAGE, part), join(folder, part), { recursive: true });
    const why =
      'The filter "tcp" needs tcpdump for the engine ring: tcpdump, which compiles filter expressions, is not installed.';
    const hint = 'To have it: apt-get install tcpdump';
    mkdirSync(join(folder, 'node_modules/cap'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/cap/index.js'), `throw new Error('not built')`);
    expect(tell(PACKAGE, 'tcp', 'auto')).toBe(`cap: engine cap, because: ${why} ${hint}.`);
    expect(tell(PACKAGE, 'tcp', 'ring')).toBe(`bad-filter: ${why} ${hint}, or use the engine cap.`);
    expect(tell(folder, 'tcp', 'auto')).toMatch(
      /^no-engine: The filter "tcp" needs tcpdump .* package cap, which is installed but does not load/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

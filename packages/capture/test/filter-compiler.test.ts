// Expressions through tcpdump, and the programs on packets. Without tcpdump these tests are skipped, with the reason.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { ipv4Packet, ipv6Packet } from '../../../test/kit/packets.ts';
import { needs } from '../../../test/kit/rights.ts';
import { type BpfInstruction, filteredProgram, mostBpfInstructions } from '../src/bpf-program.ts';
import { compileFilter } from '../src/sources/filter-compiler.ts';
import { ringProgram } from '../src/sources/ring-filter.ts';
import { type PacketFacts, runBpf } from './bpf-machine.ts';

const outgoing = 4;
const ip4 = { protocol: 0x0800 };
const ip6 = { protocol: 0x86dd };
const get = ipv4Packet({ fromPort: 40_000, toPort: 80, payload: 'GET /' });
const tagged = Uint8Array.from([0, 5, 8, 0, ...get]);

async function compiled(context: TestContext, expression: string): Promise<readonly BpfInstruction[]> {
  needs(context, 'tcpdump');
  const program = await compileFilter(expression);
  return 'reason' in program ? expect.unreachable(program.message) : program;
}

/** Until it is disposed of, tcpdump is that script. */
function insteadOfTcpdump(script: string): Disposable {
  const before = process.env['PATH'];
  const folder = mkdtempSync(join(tmpdir(), 'gor-tcpdump-'));
  writeFileSync(join(folder, 'tcpdump'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  process.env['PATH'] = `${folder}:${before}`;
  return {
    [Symbol.dispose]: () => {
      process.env['PATH'] = before;
      rmSync(folder, { recursive: true });
    },
  };
}

// biome-ignore format: a table
const rows: readonly (readonly [name: string, expression: string, packet: Uint8Array, facts: PacketFacts, passes: boolean])[] = [
  ['IPv4 to the port', 'tcp port 80', get, ip4, true],
  ['IPv4 to another', 'tcp port 81', get, ip4, false],
  ['IPv6 to the port', 'tcp port 80', ipv6Packet({ toPort: 80 }), ip6, true],
  ['UDP of the port', 'tcp port 80', ipv4Packet({ toPort: 80 }, { protocol: 17 }), ip4, false],
  ['a port of a range', 'tcp portrange 70-90', get, ip4, true],
  ['a payload', 'tcp dst port 80 and tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420', get, ip4, true],
  ['another payload', 'tcp dst port 80 and tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x504f5354', get, ip4, false],
  ['a length', `len = ${get.length}`, get, ip4, true],
  ['arithmetic', 'ip[2:2] * 2 / 2 + 1 - 1 = len', get, ip4, true],
  ['a hop limit', 'ip[8] > 0 and not ip[8] >= 255', get, ip4, true],
  ['everything', '', get, ip4, true],
  ['what begins like an option', '-1 != 0', get, ip4, true],
  ['sent', 'outbound', get, { ...ip4, packetType: outgoing }, true],
  ['received', 'outbound', get, ip4, false],
  ['received, as asked for', 'inbound and tcp', get, ip4, true],
  ['sent over loopback: it comes again', 'tcp', get, { ...ip4, packetType: outgoing, hardwareType: 772 }, false],
  ['received over loopback', 'tcp', get, { ...ip4, hardwareType: 772 }, true],
  ['ARP, of which nothing was said', 'not tcp port 81', get, { protocol: 0x0806 }, false],
  ['MPLS with bytes like IPv4', 'tcp', get, { protocol: 0x8847 }, false],
  ['two tags, received', 'tcp or not tcp', tagged, { protocol: 0x8100 }, false],
  ['a tag before the packet, sent', 'tcp port 80', get, { protocol: 0x8100, packetType: outgoing }, true],
];

describe('expressions on packets', () => {
  test.for(rows)('%s: %s', async ([, expression, packet, facts, passes], context) => {
    const program = filteredProgram(await compiled(context, expression));
    expect(runBpf(program, packet, facts)).toBe(passes ? 0xffffffff : 0);
  });
});

test.for<[expression: string, reason: string, message: RegExp]>([
  ['tcp prot 80', 'invalid', /syntax error/],
  ['-r /etc/passwd', 'invalid', /syntax error/],
  ['--version', 'invalid', /syntax error/],
  ['host no such', 'invalid', /./],
  ['ifname eth0', 'invalid', /ifname/],

  ['ether host 1:2:3:4:5:6', 'link-layer', /ethernet addresses/],
  ['tcp and (vlan 5 or tcp)', 'link-layer', /VLAN/],
  ['mpls', 'link-layer', /MPLS/],
  ['ether broadcast', 'link-layer', /broadcast/],
  ['ip6 protochain 6', 'loop', /protochain/],
  ['arp', 'link-layer', /rejects all packets/],
  ['tcp or ether [12:2] = 0x800', 'link-layer', /^ether\[…\]/],
  ['(link[0]) = 1', 'link-layer', /^link\[…\]/],
])('%s is refused as %s', async ([expression, reason, message], context) => {
  needs(context, 'tcpdump');
  expect(await compileFilter(expression)).toEqual({ reason, message: expect.stringMatching(message) });
});

describe('a tcpdump that is none', () => {
  test.each<[does: string, script: string, message: RegExp]>([
    ['prints no program', 'echo hello', /something else/],
    ['prints half a program', 'echo 2; echo 6 0 0 1', /something else/],
    ['prints fields that are no numbers', 'echo 1; echo 6 0 0 x', /something else/],
    ['prints nothing', 'exit 0', /something else/],
    ['prints for ever', 'yes 6 0 0 1', /MAXBUFFER/],
    ['is killed', 'kill -9 $$', /did not compile it: /],
  ])('%s', async (_, script, message) => {
    using _tcpdump = insteadOfTcpdump(script);
    expect(await compileFilter('tcp')).toEqual({ reason: 'no-compiler', message: expect.stringMatching(message) });
  });
});

test('a filter that the kernel would not take is refused, however many engines there are', async () => {
  using _ = insteadOfTcpdump(`echo 4090; yes '6 0 0 1' | head -n 4090`);
  const filter = Array.from({ length: 100 }, (_, at) => `host 10.0.0.${at}`).join(' or ');
  for (const isOnlyEngine of [true, false]) {
    const error = await ringProgram([], filter, isOnlyEngine).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'bad-filter' });
    expect(String(error)).toMatch(
      /The filter "host 10\.0\.0\.0 or .{0,200}…" is too long: it takes 4090 .* at most \d+ fit\.$/,
    );
  }
});

test('whom else to ask depends on whether there is anyone else', async (context) => {
  needs(context, 'tcpdump');
  await expect(ringProgram([], 'vlan', true)).rejects.toMatchObject({ code: 'bad-filter' });
  await expect(ringProgram([], 'vlan', false)).rejects.toMatchObject({ code: 'no-engine' });
  await expect(ringProgram([], 'tcp prot', false)).rejects.toMatchObject({ code: 'bad-filter' });
  expect((await ringProgram([], 'tcp', true)).length).toBeLessThan(mostBpfInstructions);
});

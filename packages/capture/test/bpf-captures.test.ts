// The program for ports on every packet of every capture, beside the one that tcpdump makes of the same expression: the
// same verdict, but where ours is meant to differ, each with the reason.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { corpusFolder } from '../../../test/kit/corpus.ts';
import { needs } from '../../../test/kit/rights.ts';
import { type BpfInstruction, bpfProgram } from '../src/bpf-program.ts';
import { type Frame, linkTypes, portFilter, readCapture } from '../src/index.ts';
import { compileFilter } from '../src/sources/filter-compiler.ts';
import { type PacketFacts, runBpf } from './bpf-machine.ts';

const ownFolder = join(import.meta.dirname, '../../../test/captures');
const captureName = /\.(pcap|pcapng|cap)(\.gz)?$/;
const vlanTypes = [0x8100, 0x88a8, 0x9100];
const extensions = [0, 43, 44, 51, 60, 135, 139, 140];
const rawTypes: readonly number[] = [linkTypes.raw, linkTypes.rawBsd, linkTypes.ipv4, linkTypes.ipv6];

const laterFragments = 'a later fragment: without ports, and perhaps of a watched one';
const secondTags = 'within a second VLAN tag, which tcpdump cannot see for raw IP';
const extended = 'IPv6 with extension headers, which are read later';

interface KernelPacket {
  /** From the network header on. */
  readonly bytes: Uint8Array;
  readonly facts: PacketFacts;
}

/** Where and what Linux says that the packet is, on a socket of type SOCK_DGRAM; undefined for link types it does not have there. */
function asLinuxGives({ linkType, bytes, start, end }: Frame): KernelPacket | undefined {
  const half = (at: number) => bytes[start + at]! * 256 + bytes[start + at + 1]!;
  const from = (at: number, protocol: number, packetType = 0): KernelPacket => {
    return { bytes: bytes.subarray(start + at, end), facts: { protocol, packetType } };
  };
  const length = end - start;
  if (linkType === linkTypes.ethernet && length >= 18) {
    const type = half(12);
    if (vlanTypes.includes(type)) return from(18, half(16)); // the outer tag is taken out
    return from(14, type < 0x600 ? 0x0004 : type);
  }
  if (linkType === linkTypes.linuxSll && length >= 16) return from(16, half(14), half(0));
  if (linkType === linkTypes.linuxSll2 && length >= 20) return from(20, half(0), bytes[start + 10]);
  if (!rawTypes.includes(linkType) || length === 0) return undefined;
  const version = bytes[start]! >> 4;
  return from(0, version === 4 ? 0x0800 : version === 6 ? 0x86dd : 0);
}

/** Why ours lets it pass, and tcpdump's does not. */
function reasonToPass({ bytes, facts }: KernelPacket): string | undefined {
  if (vlanTypes.includes(facts.protocol)) return secondTags;
  if (facts.protocol === 0x0800 && ((bytes[6]! & 0x1f) !== 0 || bytes[7] !== 0)) {
    return laterFragments;
  }
  if (facts.protocol === 0x86dd && extensions.includes(bytes[6]!)) return extended;
  return undefined;
}

/** Why tcpdump's lets it pass, and ours does not. */
function reasonToDrop({ facts }: KernelPacket): string | undefined {
  const isIp = facts.protocol === 0x0800 || facts.protocol === 0x86dd;
  return isIp ? undefined : 'not IP, but begins like it: tcpdump looks only there for raw IP';
}

async function tcpdumpProgram(context: TestContext, ports: readonly number[]): Promise<readonly BpfInstruction[]> {
  needs(context, 'tcpdump');
  const program = await compileFilter(portFilter(ports));
  return 'reason' in program ? expect.unreachable(program.message) : program;
}

/** How often each reason applied; throws at a difference without one. */
async function compare(context: TestContext, folder: string, ports: readonly number[]) {
  const ours = bpfProgram(ports);
  const theirs = await tcpdumpProgram(context, ports);
  const counts = { packets: 0, passed: 0 };
  const differences: Record<string, number> = {};
  for (const name of readdirSync(folder).filter((each) => captureName.test(each))) {
    let number = 0;
    for (const frame of await framesOf(join(folder, name))) {
      number++;
      const packet = asLinuxGives(frame);
      if (packet === undefined) continue;
      const isOurs = runBpf(ours, packet.bytes, packet.facts) > 0;
      const isTheirs = runBpf(theirs, packet.bytes, packet.facts) > 0;
      counts.packets++;
      if (isOurs) counts.passed++;
      if (isOurs === isTheirs) continue;
      const reason = isOurs ? reasonToPass(packet) : reasonToDrop(packet);
      if (reason === undefined) throw new Error(`${name}, packet ${number}: ours ${isOurs}, tcpdump's ${isTheirs}`);
      differences[reason] = (differences[reason] ?? 0) + 1;
    }
  }
  return { ...counts, differences };
}

/** Copies of the frames up to where the file is cut or damaged. */
async function framesOf(path: string): Promise<Frame[]> {
  const frames: Frame[] = [];
  try {
    for await (const batch of readCapture(path)) {
      for (const frame of batch) {
        const bytes = frame.bytes.slice(frame.start, frame.end);
        frames.push({ ...frame, bytes, start: 0, end: bytes.length });
      }
    }
  } catch {
    // A damaged file is what other tests are about.
  }
  return frames;
}

test.for<[ports: readonly number[], differences: Readonly<Record<string, number>>]>([
  [[], { [extended]: 8, [secondTags]: 25 }],
  [[80], { [extended]: 8, [laterFragments]: 6 }],
  [[80, 443, 8080, 8973], { [extended]: 8, [laterFragments]: 6, [secondTags]: 25 }],
])('captures of ours, ports %j', async ([ports, expected], context) => {
  const { packets, passed, differences } = await compare(context, ownFolder, ports);
  expect(packets).toBeGreaterThan(2_000);
  expect(passed).toBeGreaterThan(0);
  expect(differences).toEqual(expected);
});

test.for([[[]], [[80]], [[80, 443, 8080, 8973]]])('captures of others, ports %j', async ([ports = []], context) => {
  const folder = join(corpusFolder, 'captures');
  context.skip(!existsSync(folder), 'the corpus is not here');
  const { packets, passed } = await compare(context, folder, ports);
  expect(packets).toBeGreaterThan(2_000);
  expect(passed).toBeGreaterThan(1_000);
});

// Runs a classic BPF program as the kernel does, from its documentation and not from our code. It refuses what the
// kernel refuses: unknown instructions, jumps that leave the program, a program without an end.

import type { BpfInstruction } from '../src/bpf-program.ts';

/** What a packet is beside its bytes, which begin at the network header. */
export interface PacketFacts {
  readonly protocol: number;
  readonly packetType?: number;
  readonly hardwareType?: number;
}

const ancillary = { protocol: 0xfffff000, packetType: 0xfffff004, hardwareType: 0xfffff01c };

/** How many bytes of the packet pass: 0 is none. Reading behind the packet's end ends the program with 0. */
export function runBpf(program: readonly BpfInstruction[], packet: Uint8Array, facts: PacketFacts): number {
  const values = new Map([
    [ancillary.protocol, facts.protocol],
    [ancillary.packetType, facts.packetType ?? 0],
    [ancillary.hardwareType, facts.hardwareType ?? 1],
  ]);
  const load = (at: number, length: number): number | undefined => {
    if (values.has(at)) return values.get(at);
    if (at + length > packet.length) return undefined;
    return packet.subarray(at, at + length).reduce((value, byte) => value * 256 + byte, 0);
  };
  let a: number | undefined = 0;
  let x: number | undefined = 0;
  for (let at = 0; ; at++) {
    const instruction = program[at];
    if (instruction === undefined) throw new Error(`the program runs out at ${at}`);
    const { code, jt, jf, k } = instruction;
    if (code === 0x06) return k;
    else if (code === 0x20) a = load(k, 4);
    else if (code === 0x28) a = load(k, 2);
    else if (code === 0x30) a = load(k, 1);
    else if (code === 0x48) a = load(x + k, 2);
    else if (code === 0x01) x = k;
    else if (code === 0xb1) x = ((load(k, 1) ?? Number.NaN) & 15) * 4;
    else if (code === 0x87) a = x;
    else if (code === 0x07) x = a;
    else if (code === 0x04) a += k;
    else if (code === 0x54) a &= k;
    else if (code === 0x05) at += k;
    else if (code === 0x15) at += a === k ? jt : jf;
    else if (code === 0x45) at += (a & k) !== 0 ? jt : jf;
    else throw new Error(`instruction ${at} has the unknown code ${code}`);
    if (a === undefined) return 0;
  }
}

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
/** The low three bits of a code, then its other parts. */
const classes = ['ld', 'ldx', 'st', 'stx', 'alu', 'jmp', 'ret', 'misc'] as const;
const sizes: Readonly<Record<number, number>> = { 0: 4, 8: 2, 16: 1 };
const scratchWords = 16;

/** How many bytes of the packet pass: 0 is none. Reading behind the packet's end ends the program with 0. */
export function runBpf(program: readonly BpfInstruction[], packet: Uint8Array, facts: PacketFacts): number {
  const machine = new Machine(packet, facts);
  for (let at = 0; ; ) {
    const instruction = program[at];
    if (instruction === undefined) throw new Error(`the program runs out at ${at}`);
    const step = machine.step(instruction);
    if (step === undefined) throw new Error(`instruction ${at} has the unknown code ${instruction.code}`);
    if ('passes' in step) return step.passes;
    at += 1 + step.skip;
  }
}

type Step = { readonly skip: number } | { readonly passes: number };
const next: Step = { skip: 0 };
const stop: Step = { passes: 0 };

class Machine {
  readonly #packet: Uint8Array;
  readonly #values: ReadonlyMap<number, number>;
  readonly #scratch = new Uint32Array(scratchWords);
  #a = 0;
  #x = 0;

  constructor(packet: Uint8Array, facts: PacketFacts) {
    this.#packet = packet;
    this.#values = new Map([
      [ancillary.protocol, facts.protocol],
      [ancillary.packetType, facts.packetType ?? 0],
      [ancillary.hardwareType, facts.hardwareType ?? 1],
    ]);
  }

  /** Undefined: the kernel knows no such instruction. */
  step({ code, jt, jf, k }: BpfInstruction): Step | undefined {
    switch (classes[code & 7]) {
      case 'ld':
        return this.#take(this.#operand(code, k), (value) => {
          this.#a = value;
        });
      case 'ldx':
        return this.#take(code === 0xb1 ? this.#headerLength(k) : this.#operand(code, k), (value) => {
          this.#x = value;
        });
      case 'st':
        this.#scratch[k] = this.#a;
        return k < scratchWords ? next : undefined;
      case 'stx':
        this.#scratch[k] = this.#x;
        return k < scratchWords ? next : undefined;
      case 'alu':
        return this.#calculate(code & 0xf0, (code & 8) === 0 ? k : this.#x);
      case 'jmp':
        return this.#jump(code & 0xf0, (code & 8) === 0 ? k : this.#x, k, jt, jf);
      case 'ret':
        return { passes: (code & 0x10) === 0 ? k : this.#a };
      default:
        return this.#move(code);
    }
  }

  /** Null: it lies behind the packet's end. */
  #operand(code: number, k: number): number | null | undefined {
    const size = sizes[code & 0x18] ?? 0;
    const mode = code & 0xe0;
    if (mode === 0x00) return k;
    if (mode === 0x20) return this.#load(k, size);
    if (mode === 0x40) return this.#load(this.#x + k, size);
    if (mode === 0x60) return this.#scratch[k];
    return mode === 0x80 ? this.#packet.length : undefined;
  }

  #load(at: number, length: number): number | null {
    const value = this.#values.get(at);
    if (value !== undefined) return value;
    if (at + length > this.#packet.length) return null;
    return this.#packet.subarray(at, at + length).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  #headerLength(k: number): number | null {
    const byte = this.#load(k, 1);
    return byte === null ? null : (byte & 15) * 4;
  }

  #take(value: number | null | undefined, into: (value: number) => void): Step | undefined {
    if (value === undefined) return undefined;
    if (value === null) return stop;
    into(value);
    return next;
  }

  #calculate(operation: number, value: number): Step | undefined {
    const a = this.#a;
    const results: Readonly<Record<number, number>> = {
      0: a + value,
      16: a - value,
      32: Math.imul(a, value),
      48: Math.floor(a / value),
      64: a | value,
      80: a & value,
      96: a << value,
      112: a >>> value,
      128: -a,
      144: a % value,
      160: a ^ value,
    };
    if ((operation === 0x30 || operation === 0x90) && value === 0) return stop;
    const result = results[operation];
    if (result === undefined) return undefined;
    this.#a = result >>> 0;
    return next;
  }

  #jump(condition: number, value: number, k: number, jt: number, jf: number): Step | undefined {
    const conditions: Readonly<Record<number, boolean>> = {
      16: this.#a === value,
      32: this.#a > value,
      48: this.#a >= value,
      64: (this.#a & value) !== 0,
    };
    if (condition === 0x00) return { skip: k };
    const holds = conditions[condition];
    return holds === undefined ? undefined : { skip: holds ? jt : jf };
  }

  #move(code: number): Step | undefined {
    if (code === 0x07) this.#x = this.#a;
    else if (code === 0x87) this.#a = this.#x;
    else return undefined;
    return next;
  }
}

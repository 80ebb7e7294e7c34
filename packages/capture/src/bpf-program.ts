// Classic BPF programs (the kernel's Documentation/networking/filter.rst) as an AF_PACKET socket of type SOCK_DGRAM runs
// them: offset 0 is where the network header begins, the type of it is an ancillary value.
// The one for ports saves work and decides nothing: what it cannot tell passes, and user space looks again.

/** One instruction, struct sock_filter: jt and jf are how many instructions to jump over, 0 to 255. */
export interface BpfInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  /** An unsigned 32-bit integer. */
  readonly k: number;
}

/** What the kernel takes (BPF_MAXINSNS). */
export const mostBpfInstructions = 4096;

/** Beyond this number of ports the program lets all TCP pass: the kernel takes 4,096 instructions, a port costs four and the rest 99. */
export const mostBpfPorts = 900;

const codes = {
  loadWord: 0x20, // BPF_LD | BPF_W | BPF_ABS
  loadHalf: 0x28,
  loadByte: 0x30,
  loadHalfAtX: 0x48, // BPF_LD | BPF_H | BPF_IND
  setX: 0x01, // BPF_LDX | BPF_IMM
  loadXHeaderLength: 0xb1, // BPF_LDX | BPF_B | BPF_MSH: X = 4 * (byte & 15)
  xToA: 0x87,
  aToX: 0x07,
  add: 0x04,
  and: 0x54,
  jump: 0x05,
  jumpIfEqual: 0x15,
  jumpIfSet: 0x45,
  end: 0x06, // BPF_RET | BPF_K
} as const;

/** SKF_AD_OFF plus SKF_AD_PROTOCOL, SKF_AD_PKTTYPE and SKF_AD_HATYPE. */
const ancillary = { protocol: 0xfffff000, packetType: 0xfffff004, hardwareType: 0xfffff01c } as const;
const packetTypeOutgoing = 4;
const hardwareTypeLoopback = 772;
const wholePacket = 0xffffffff;

const etherTypes = { ipv4: 0x0800, ipv6: 0x86dd } as const;
const vlanTypes = [0x8100, 0x88a8, 0x9100] as const;
const ipv4 = { fragmentAt: 6, protocolAt: 9, fragmentOffsetBits: 0x1fff } as const;
const ipv6 = { nextHeaderAt: 6, length: 40 } as const;
const tcp = { protocol: 6, sourcePortAt: 0, destinationPortAt: 2 } as const;
/** Headers of IPv6 behind which TCP may follow. */
const ipv6Extensions = [0, 43, 44, 51, 60, 135, 139, 140] as const;
const vlanTag = { typeAt: 2, length: 4 } as const;
const instructionBytes = 8;

/** A place to jump to, or an instruction with the places that it jumps to: `to` where its condition holds, else `orTo`. */
type Step = { readonly label: string } | UnplacedInstruction;
interface UnplacedInstruction {
  readonly code: number;
  readonly k?: number;
  readonly to?: string;
  readonly orTo?: string;
}

/**
 * The program that lets pass TCP over IPv4 and IPv6 with one of the ports on either side (none: all TCP), with up to
 * three VLAN tags, later fragments of IPv4, which have no ports, and IPv6 with extension headers, which user space reads.
 * Over loopback each packet passes once, when it is received.
 */
export function bpfProgram(ports: readonly number[]): BpfInstruction[] {
  const isAnyPort = ports.length === 0 || ports.length > mostBpfPorts;
  return assemble([
    ...dropEchoes(),
    ...byType(codes.loadWord, ancillary.protocol, 0, 'tagged'),
    { code: codes.jump, to: 'drop' },
    ...behindTags(),
    ...[0, 1, 2].flatMap((tags) => [...ipv4At(tags * vlanTag.length), ...ipv6At(tags * vlanTag.length)]),
    { label: 'drop' },
    { code: codes.end, k: 0 },
    { label: 'pass' },
    { code: codes.end, k: wholePacket },
    { label: 'ports' },
    ...(isAnyPort ? [{ code: codes.end, k: wholePacket }] : matchPorts(ports)),
  ]);
}

/**
 * The program that lets pass the IP packets that `expression` lets pass, which is a program for packets that begin with
 * their IP header. Over loopback each packet passes once, when it is received. What was received with two VLAN tags
 * begins within the inner one, where the expression cannot see it: it does not pass.
 */
export function filteredProgram(expression: readonly BpfInstruction[]): BpfInstruction[] {
  const before = assemble([
    ...dropEchoes(),
    { code: codes.loadWord, k: ancillary.protocol },
    { code: codes.jumpIfEqual, k: etherTypes.ipv4, to: 'expression' },
    { code: codes.jumpIfEqual, k: etherTypes.ipv6, to: 'expression' },
    ...vlanTypes.map((type) => ({ code: codes.jumpIfEqual, k: type, to: 'tagged' })),
    { code: codes.jump, to: 'drop' },
    { label: 'tagged' },
    { code: codes.loadWord, k: ancillary.packetType },
    { code: codes.jumpIfEqual, k: packetTypeOutgoing, to: 'expression' },
    { label: 'drop' },
    { code: codes.end, k: 0 },
    { label: 'expression' },
  ]);
  // tcpdump's programs end with the number of bytes that it would keep.
  const whole = expression.map((step) => (step.code === codes.end && step.k > 0 ? { ...step, k: wholePacket } : step));
  return [...before, ...whole];
}

/** The bytes of a program as the kernel takes them: an array of struct sock_filter in the host's byte order. */
export function encodeBpf(program: readonly BpfInstruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * instructionBytes);
  const halves = new Uint16Array(bytes.buffer);
  const words = new Uint32Array(bytes.buffer);
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    halves[index * 4] = code;
    bytes[index * instructionBytes + 2] = jt;
    bytes[index * instructionBytes + 3] = jf;
    words[index * 2 + 1] = k;
  }
  return bytes;
}

/** Over loopback, what is sent comes again as received. */
function dropEchoes(): Step[] {
  return [
    { code: codes.loadWord, k: ancillary.hardwareType },
    { code: codes.jumpIfEqual, k: hardwareTypeLoopback, orTo: 'no echo' },
    { code: codes.loadWord, k: ancillary.packetType },
    { code: codes.jumpIfEqual, k: packetTypeOutgoing, to: 'drop' },
    { label: 'no echo' },
  ];
}

/** By the type that is found at `typeAt`: to the packet at `packetAt`, to `tagged`, or on. */
function byType(load: number, typeAt: number, packetAt: number, tagged: string): Step[] {
  return [
    { code: load, k: typeAt },
    { code: codes.jumpIfEqual, k: etherTypes.ipv4, to: `ipv4 at ${packetAt}` },
    { code: codes.jumpIfEqual, k: etherTypes.ipv6, to: `ipv6 at ${packetAt}` },
    ...vlanTypes.map((type) => ({ code: codes.jumpIfEqual, k: type, to: tagged })),
  ];
}

/** What was received begins within its inner tag, behind the type; what is sent begins with its IP header all the same. */
function behindTags(): Step[] {
  return [
    { label: 'tagged' },
    { code: codes.loadWord, k: ancillary.packetType },
    { code: codes.jumpIfEqual, k: packetTypeOutgoing, to: 'by version' },
    ...byType(codes.loadHalf, vlanTag.typeAt, vlanTag.length, 'tagged again'),
    { code: codes.jump, to: 'drop' },
    { label: 'tagged again' },
    ...byType(codes.loadHalf, vlanTag.length + vlanTag.typeAt, 2 * vlanTag.length, 'drop'),
    { code: codes.jump, to: 'drop' },
    { label: 'by version' },
    { code: codes.loadByte, k: 0 },
    { code: codes.and, k: 0xf0 },
    { code: codes.jumpIfEqual, k: 0x40, to: 'ipv4 at 0' },
    { code: codes.jumpIfEqual, k: 0x60, to: 'ipv6 at 0', orTo: 'drop' },
  ];
}

function ipv4At(at: number): Step[] {
  return [
    { label: `ipv4 at ${at}` },
    { code: codes.loadByte, k: at + ipv4.protocolAt },
    { code: codes.jumpIfEqual, k: tcp.protocol, orTo: 'drop' },
    { code: codes.loadHalf, k: at + ipv4.fragmentAt },
    { code: codes.jumpIfSet, k: ipv4.fragmentOffsetBits, to: 'pass' },
    { code: codes.loadXHeaderLength, k: at },
    { code: codes.xToA },
    { code: codes.add, k: at },
    { code: codes.aToX },
    { code: codes.jump, to: 'ports' },
  ];
}

function ipv6At(at: number): Step[] {
  return [
    { label: `ipv6 at ${at}` },
    { code: codes.loadByte, k: at + ipv6.nextHeaderAt },
    ...ipv6Extensions.map((header) => ({ code: codes.jumpIfEqual, k: header, to: 'pass' })),
    { code: codes.jumpIfEqual, k: tcp.protocol, orTo: 'drop' },
    { code: codes.setX, k: at + ipv6.length },
    { code: codes.jump, to: 'ports' },
  ];
}

/** X is where the TCP header begins. Each port brings an end of its own, so that no jump is far. */
function matchPorts(ports: readonly number[]): Step[] {
  const match = (portAt: number): Step[] => [
    { code: codes.loadHalfAtX, k: portAt },
    ...ports.flatMap((port, index) => [
      { code: codes.jumpIfEqual, k: port, orTo: `after ${index} at ${portAt}` },
      { code: codes.end, k: wholePacket },
      { label: `after ${index} at ${portAt}` },
    ]),
  ];
  return [...match(tcp.sourcePortAt), ...match(tcp.destinationPortAt), { code: codes.end, k: 0 }];
}

/** Turns labels into distances. All jumps go forward. */
function assemble(steps: readonly Step[]): BpfInstruction[] {
  const places = new Map<string, number>();
  const instructions: UnplacedInstruction[] = [];
  for (const step of steps) {
    if ('label' in step) places.set(step.label, instructions.length);
    else instructions.push(step);
  }
  return instructions.map(({ code, k = 0, to, orTo }, index) => {
    const distance = (label: string | undefined) => (label === undefined ? 0 : places.get(label)! - index - 1);
    if (code === codes.jump) return { code, jt: 0, jf: 0, k: distance(to) };
    return { code, jt: distance(to), jf: distance(orTo), k };
  });
}

// One packet of a flood, of which the next differs in a few fields only: a million are made without building each.
import { ipv4Packet, type PacketFields } from './packets.ts';

const ADDRESS_AT = { client: 12, server: 16 };
const PORT_AT = { client: 20, server: 22 };
const SEQUENCE_AT = 24;
const FIRST_PORT = 1_024;
const PORTS = 60_000;

/** A raw IPv4 packet between a client of many and one server, written anew for each `packet`. */
export class PacketMould {
  readonly payloadBytes: number;
  readonly #bytes: Buffer;
  readonly #from: 'client' | 'server';

  constructor(from: 'client' | 'server', payload: string, over: PacketFields = {}) {
    const ports = from === 'client' ? { fromPort: 0, toPort: 80 } : { fromPort: 80, toPort: 0 };
    const server = '10.255.0.1';
    const hosts = from === 'client' ? { from: '10.0.0.0', to: server } : { from: server, to: '10.0.0.0' };
    this.#from = from;
    this.payloadBytes = payload.length;
    this.#bytes = Buffer.from(ipv4Packet({ ...ports, ...hosts, payload, ...over }));
  }

  /** The packet of the n-th client's connection with this sequence number. The same bytes each time: to be read at once. */
  packet(client: number, sequence: number): Buffer {
    this.#bytes.writeUInt32BE(0x0a00_0000 + Math.floor(client / PORTS), ADDRESS_AT[this.#from]);
    this.#bytes.writeUInt16BE(FIRST_PORT + (client % PORTS), PORT_AT[this.#from]);
    this.#bytes.writeUInt32BE(sequence >>> 0, SEQUENCE_AT);
    return this.#bytes;
  }
}

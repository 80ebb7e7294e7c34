// File formats that are known by their first bytes and not read, each with what makes a readable file of it.

const editcap = 'convert it: editcap -F pcap IN OUT';

// biome-ignore format: a table
const otherFormats: readonly (readonly [firstBytes: readonly number[], problem: string])[] = [
  [[0x1f, 0x8b], 'it is compressed with gzip; uncompress it: gunzip -c FILE'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'it is compressed with zstd; uncompress it: zstd -dc FILE'],
  [[0x04, 0x22, 0x4d, 0x18], 'it is compressed with lz4; uncompress it: lz4 -dc FILE'],
  [[0xfd, ...ascii('7zX')], 'it is compressed with xz; uncompress it: xz -dc FILE'],
  [ascii('BZh'), 'it is compressed with bzip2; uncompress it: bzip2 -dc FILE'],
  [[0x1f, 0x9d], 'it is compressed with compress; uncompress it: gunzip -c FILE'],
  [[...ascii('PK'), 3, 4], 'it is a zip archive; unpack it: unzip -p FILE'],
  [ascii('snoo'), `it is in the snoop format; ${editcap}`],
  [ascii('btsn'), 'it is in the btsnoop format, which holds Bluetooth and no network packets'],
  [ascii('GMBU'), `it is in the format of Microsoft Network Monitor 2; ${editcap}`],
  [ascii('RTSS'), `it is in the format of Microsoft Network Monitor 1; ${editcap}`],
  [ascii('TRSN'), `it is in the format of the Sniffer; ${editcap}`],
  [ascii('iptr'), `it is in the format of AIX iptrace; ${editcap}`],
  [[0x1c, 0x00, 0x01, 0xac], `it is in the pcap format of Ixia; ${editcap}`],
  [[0xac, 0x01, 0x00, 0x1c], `it is in the pcap format of Ixia; ${editcap}`],
  [[0x1c, 0x00, 0x01, 0xab], `it is in the pcap format of Ixia; ${editcap}`],
  [[0xab, 0x01, 0x00, 0x1c], `it is in the pcap format of Ixia; ${editcap}`],
  [ascii('{'), 'it is JSON, such as a HAR file, which holds no packets: capture them with tcpdump -w FILE'],
];

/** Why the file whose first four bytes stand at `at` is not read; undefined where it is not known. */
export function otherFormat(bytes: Uint8Array, at: number): string | undefined {
  const isKnown = ([firstBytes]: (typeof otherFormats)[number]): boolean =>
    firstBytes.every((byte, index) => bytes[at + index] === byte);
  return otherFormats.find(isKnown)?.[1];
}

function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

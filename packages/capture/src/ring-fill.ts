// How full a TPACKET_V3 ring is, by what stands in its own memory: no call to the kernel, and no look at every block.
// Source: struct tpacket_hdr_v1 in <linux/if_packet.h>; the kernel fills the blocks in their order, and stops at one that
// was not given back.

const statusAt = 8;
/** TP_STATUS_USER: the kernel has handed the block over, and waits to get it back. */
const statusUser = 1;

/**
 * How many blocks wait to be read behind the one that was read last (`lastRead`, -1 before the first). `words` is the
 * whole ring. The kernel writes at the same time: the number is one that was true a moment ago.
 */
export function readyBlocks(words: Uint32Array, blockBytes: number, lastRead: number): number {
  const blockWords = blockBytes >>> 2;
  const blocks = Math.floor(words.length / blockWords);
  // Ready ones come first, so the first that is not ready is found by halving.
  let ready = 0;
  let notReady = lastRead < 0 ? blocks : blocks - 1;
  while (ready < notReady) {
    const middle = (ready + notReady) >>> 1;
    const block = (lastRead + 1 + middle) % blocks;
    if ((words[block * blockWords + (statusAt >>> 2)]! & statusUser) !== 0) ready = middle + 1;
    else notReady = middle;
  }
  return ready;
}

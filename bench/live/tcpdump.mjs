// tcpdump writing into a pipe that nobody looks at: the floor of every live capture.
import { Child } from './children.mjs';

const BUFFER_KIB = 64 * 1024;

/**
 * Started and capturing. The process is tcpdump's own; what empties the pipe is another.
 * @param {{ port: number, interfaceName?: string, namespace?: string | undefined }} where
 */
export async function startTcpdump({ port, interfaceName = 'lo', namespace }) {
  const script = `exec tcpdump -n -i ${interfaceName} -B ${BUFFER_KIB} -w - tcp port ${port} > >(exec cat > /dev/null)`;
  const child = new Child('tcpdump', ['bash', '-c', script], { namespace });
  await child.ready(/listening on/);
  return {
    child,
    /** It does not tell how far it is, and is never far behind. */
    progress: async () => 0,
    /** Ends it and gives how many packets it wrote, and how many the kernel dropped. */
    stop: async () => {
      await child.stop('SIGINT');
      const count = (/** @type {RegExp} */ pattern) => Number(pattern.exec(child.stderr)?.[1] ?? Number.NaN);
      return { captured: count(/(\d+) packets captured/), kernelDrops: count(/(\d+) packets dropped by kernel/) };
    },
  };
}

// The pages say what the code says: every flag with its default, every reason, every field of the ledgers, every change on
// the way to staging, every limit. What the code has and a page has not, or the other way round, fails here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  decodeSegment,
  fragmentDefaults,
  linkTypes,
  type Segment,
  TcpAssembler,
  tcpDefaults,
  tcpFlags,
} from '@gor/capture';
import { commonFlags, exitCodes, type Flag } from '@gor/cli';
import {
  budgetDefaults,
  HttpConnection,
  MemoryBudget,
  otherProtocols,
  parseRequest,
  parserDefaults,
  rejectReasons,
  responseRejectReasons,
} from '@gor/http';
import { outgoingChanges, replayerDefaults } from '@gor/replay';
import { senderDefaults } from '@gor/wire';
import { type ListenLedger, listen, listenFlags } from 'gor-listen';
import { type ReplayLedger, replay, replayFlags } from 'gor-replay';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const FLAG_OF_OPTION = { originalHost: '`--original-host`', 'mark: false': '`--no-mark`', sessions: '`--sessions`' };
const operating = page('docs/operating.md');
const supported = page('docs/supported.md');
const architecture = page('ARCHITECTURE.md');

describe('docs/operating.md', () => {
  test.each([
    ['gor-listen', listenFlags],
    ['gor-replay', replayFlags],
    ['Flags of both', commonFlags],
  ])('shows the flags of %s with their defaults, in the order of the help', (heading, flags) => {
    const rows = rowsOf(section(operating, `## ${heading}`));
    expect(rows.map(([names]) => names)).toEqual(flags.map(namesOf));
    for (const [at, flag] of flags.entries()) {
      const shown = rows[at]?.[1];
      if (flag.defaultText !== undefined) expect(shown, flag.name).toBe(`\`${flag.defaultText}\``);
      else if (flag.kind === 'switch') expect(shown, flag.name).toBe('off');
      else expect(shown, flag.name).not.toMatch(/^`[^`]*`$/);
    }
  });

  test('shows every exit code', () => {
    const codes = rowsOf(section(operating, '## Start, ready, stop')).map(([code]) => code);
    for (const code of Object.values(exitCodes)) expect(codes).toContain(String(code));
  });

  // The words of each union in the sources, and the section with a row for each of them and none besides.
  test.each([
    [
      'Frames',
      [
        'capture/src/layer-cursor.ts frameRejects',
        'capture/src/ip-fragments.ts fragmentDrops',
        'capture/src/frame-decoder.ts FrameDrop',
      ],
    ],
    ['Payload', ['capture/src/assembler-counters.ts PayloadDrop']],
    ['Gaps', ['capture/src/assembler-counters.ts GapReason']],
    ['Ends of connections', ['capture/src/connection.ts EndReason']],
    [
      'Requests that gor-listen drops',
      ['http/src/reject.ts rejectReasons', 'wire/src/sending-options.ts SendRefusal', 'replayed', 'not-shown', 'shed'],
    ],
    [
      'Datagrams',
      [
        'wire/src/datagram.ts HeaderReject',
        'wire/src/record.ts RecordReject',
        'wire/src/session-view.ts SessionReject',
        'wire/src/keyring.ts KeyReject',
        'wire/src/receiver-ledger.ts DatagramReject',
      ],
    ],
    ['Reports', ['wire/src/datagram.ts HeaderReject', 'wire/src/receiver-view.ts ReportReject']],
    ['Fragments', ['wire/src/fragment-table.ts FragmentEviction']],
    [
      'Requests that gor-replay does not see answered',
      [
        'replay/src/reasons.ts LimitedReason',
        'replay/src/reasons.ts FailedReason',
        'replay/src/reasons.ts SkippedReason',
        ...['limited', 'failed', 'skipped'],
      ],
    ],
  ])('names every reason of "%s", and no other', (heading, sources) => {
    const reasons = sources.flatMap((source) => (source.includes(' ') ? wordsOf(source) : [source]));
    const shown = rowsOf(section(operating, `### ${heading}`), true).flatMap(([cell]) => ticked(cell));
    expect([...new Set(shown)].sort()).toEqual([...new Set(reasons)].sort());
  });

  test.each([
    'capture/src/errors.ts CaptureErrorCode',
    'wire/src/errors.ts WireErrorCode',
    'replay/src/replay-error.ts ReplayErrorCode',
    'cli/src/privileges-error.ts PrivilegesErrorCode',
    'wire/src/session-view.ts SessionState',
    'wire/src/reachability.ts ReceiverState',
  ])('knows the words of %s', (source) => {
    const pages = `${operating}${supported}`;
    expect(wordsOf(source).filter((word) => !pages.includes(`\`${word}\``))).toEqual([]);
  });

  test('explains every field of both ledgers', async () => {
    const [ofListener, ofReplay] = await emptyLedgers();
    const listenFields = ticked(section(operating, "### gor-listen's ledger"));
    const replayFields = ticked(section(operating, "### gor-replay's ledger"));
    const unexplained = [
      ...fieldsOf(ofListener).filter((field) => !isIn(field, listenFields)),
      ...fieldsOf(ofReplay).filter((field) => !isIn(field, replayFields)),
    ];
    expect(unexplained).toEqual([]);
    const ofSession = ts.forEachChild(sourceOf('wire/src/session-ledger.ts'), interfaceNamed('SessionLedger'));
    for (const field of [...(ofSession ?? []), 'sent', 'received', 'lost', 'beforeStart', 'rejected']) {
      expect(isIn(field, replayFields), field).toBe(true);
    }
  });

  test('names every protocol that is recognised', () => {
    const row = operating.split('\n').find((line) => line.startsWith('| `connections.otherProtocols`'));
    expect(ticked(row).slice(1).sort()).toEqual([...otherProtocols].sort());
  });

  test('gives the limits that are in force', () => {
    const memory = section(operating, '## Memory');
    for (const bytes of [
      ...[tcpDefaults.maxHeldBytes, tcpDefaults.maxHeldBytesPerStream, budgetDefaults.limitBytes],
      ...[senderDefaults.queueBytes, senderDefaults.maxRecordBytes, senderDefaults.resendBytes],
      replayerDefaults.maxWaitingBytes,
      fragmentDefaults.maxHeldBytes,
    ]) {
      expect(memory).toContain(`${bytes / 1024 / 1024} MiB`);
    }
    const { maxConnections, maxHalfOpen, maxEnded, maxHeldSegments, maxHeldSegmentsPerStream } = tcpDefaults;
    for (const count of [
      ...[maxConnections, maxHalfOpen, maxEnded, maxHeldSegments, maxHeldSegmentsPerStream],
      ...[budgetDefaults.maxMessages, replayerDefaults.maxWaitingRequests, maxConnections + maxHalfOpen + maxEnded],
      ...[fragmentDefaults.maxPackets, fragmentDefaults.maxFragmentsPerPacket, senderDefaults.resendDatagrams],
    ]) {
      expect(memory).toContain(count.toLocaleString('en-US'));
    }
  });

  test.each([
    ['both sides of which were seen', 7, 'open', 8_000],
    ['the client of which was seen', 5, 'one-sided', 8_000],
    ['without data', 2, 'half-open', 8_000],
    ['that has ended', 2, 'ended', 8_000],
  ] as const)('a connection %s takes at most %i KiB of bookkeeping', (_, kibibytes, state, count) => {
    const held: TcpAssembler[] = [];
    const before = usedBytes();
    held.push(assemblerWith(count, state));
    const bytesEach = (usedBytes() - before) / count;
    const { connectionsOpen, halfOpen, endedRemembered } = held[0]!.counters();
    expect(state === 'half-open' ? halfOpen : state === 'ended' ? endedRemembered : connectionsOpen).toBe(count);
    const row =
      state === 'half-open' ? 'without data' : state === 'ended' ? 'ended connections' : 'connections with data';
    expect(
      section(operating, '## Memory')
        .split('\n')
        .find((line) => line.includes(row)),
    ).toContain(`${kibibytes} KiB`);
    expect(bytesEach).toBeLessThan(kibibytes * 1024);
  });

  test('the parsed head of a request takes about as much as is said', () => {
    expect(section(operating, '## Memory').replaceAll(/\s+/g, ' ')).toContain('32 bytes for each name and value');
    for (const fields of ['X-Header-Name: some value of a header\r\n'.repeat(9), 'ab:cd\r\n'.repeat(990)]) {
      const head = `GET /some/path HTTP/1.1\r\n${fields}\r\n`;
      const said = head.length + 32 * 2 * fields.split('\r\n').length;
      expect(parsedBytes(head)).toBeLessThan(1.5 * said + 1000);
      expect(parsedBytes(head)).toBeGreaterThan(0.5 * said);
    }
  });
});

describe('docs/supported.md', () => {
  test.each([
    ['exact', '### What is changed on the way to staging'],
    ['undici', '### What undici changes'],
  ] as const)('shows every change that the forwarder %s makes, and no other', (forwarder, heading) => {
    const rows = rowsOf(section(supported, heading));
    const listed = outgoingChanges[forwarder].map(({ part, name, change }) => [part, `\`${name}\``, change]);
    expect(rows.map((row) => row.slice(0, 3))).toEqual(listed);
    for (const [at, { unless }] of outgoingChanges[forwarder].entries()) {
      expect(rows[at]?.at(-1)).toBe(unless === undefined ? '' : FLAG_OF_OPTION[unless]);
    }
  });

  test('shows every link type that is read', () => {
    const shown = rowsOf(section(supported, '### Link layer')).map(([, number]) => Number(number));
    expect(shown.filter((number) => !Number.isNaN(number)).sort()).toEqual(Object.values(linkTypes).sort());
    const frame = { timestampUs: 0, bytes: new Uint8Array(0), start: 0, end: 0, originalLength: 0 };
    for (const linkType of shown.filter((number) => !Number.isNaN(number))) {
      expect(decodeSegment({ ...frame, linkType, direction: 'in' })).not.toBe('unsupported-link-type');
    }
  });

  test('shows every reason why a request is refused', () => {
    const shown = ticked(section(supported, '## HTTP requests'));
    expect(rejectReasons.filter((reason) => !shown.includes(reason))).toEqual([]);
  });

  test('shows every reason why a response is refused', () => {
    const shown = ticked(section(supported, '## HTTP responses'));
    expect(responseRejectReasons.filter((reason) => !shown.includes(reason))).toEqual([]);
  });

  test('gives the limits of requests', () => {
    const text = section(supported, '## HTTP requests');
    expect(text).toContain(`${parserDefaults.maxHeadBytes / 1024} KiB`);
    expect(text).toContain(`${parserDefaults.maxBodyBytes / 1024 / 1024} MiB`);
    expect(text).toContain(parserDefaults.maxHeaders.toLocaleString('en-US'));
  });
});

describe('every page', () => {
  test.each([
    ['docs/operating.md', operating],
    ['docs/supported.md', supported],
    ['ARCHITECTURE.md', architecture],
  ])('%s names only files that there are', (_, text) => {
    const named = ticked(text).filter((word) => /^[\w@./-]+\/[\w./-]+\.(ts|mjs|c|md|json|pcap|txt)$/.test(word));
    const missing = named.filter((name) => !exists(name) && !exists(`packages/${name}`));
    expect(missing).toEqual([]);
  });

  test.each([
    ['docs/operating.md', operating],
    ['docs/supported.md', supported],
  ])('%s links only to headings that there are', (_, text) => {
    const pages: Record<string, string> = { '': text, 'operating.md': operating, 'supported.md': supported };
    const broken = [...text.matchAll(/\]\(([\w.-]*)#([\w-]+)\)/g)].filter(
      ([, file = '', anchor = '']) => !anchorsOf(pages[file] ?? '').includes(anchor),
    );
    expect(broken.map(([link]) => link)).toEqual([]);
  });
});

function page(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function exists(path: string): boolean {
  return ts.sys.fileExists(join(ROOT, path));
}

/** From a heading to the next one of its level or above. */
function section(text: string, heading: string): string {
  const lines = text.split('\n');
  const from = lines.indexOf(heading);
  if (from < 0) throw new Error(`there is no heading "${heading}"`);
  const level = heading.indexOf(' ');
  const next = lines.findIndex((line, at) => at > from && /^#+ /.test(line) && line.indexOf(' ') <= level);
  return lines.slice(from, next < 0 ? lines.length : next).join('\n');
}

/** The cells of all table rows, without the lines of dashes; `withHeads`: the heads of tables, too. */
function rowsOf(text: string, withHeads = false): string[][] {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    const isHead = /^\|[-| :]+$/.test(lines[at + 1] ?? '');
    if (!line.startsWith('|') || /^\|[-| :]+$/.test(line) || (isHead && !withHeads)) return [];
    return [
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    ];
  });
}

/** What stands between backticks. */
function ticked(text = ''): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, word]) => word!);
}

function anchorsOf(text: string): string[] {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title!);
  return headings.map((title) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

function namesOf({ letter, name }: Flag): string {
  return letter === undefined ? `\`--${name}\`` : `\`-${letter}\`, \`--${name}\``;
}

/** All string literals of a type or constant: `path name`. */
function wordsOf(source: string): string[] {
  const [path = '', name = ''] = source.split(' ');
  const words: string[] = [];
  const collect = (node: ts.Node): void => {
    if (ts.isStringLiteral(node)) words.push(node.text);
    ts.forEachChild(node, collect);
  };
  const find = (node: ts.Node): void => {
    const isNamed = ts.isTypeAliasDeclaration(node) || ts.isVariableDeclaration(node);
    if (isNamed && node.name.getText() === name) collect(node);
    else ts.forEachChild(node, find);
  };
  find(sourceOf(path));
  if (words.length === 0) throw new Error(`${source} has no words`);
  return words;
}

function sourceOf(path: string): ts.SourceFile {
  return ts.createSourceFile(path, page(join('packages', path)), ts.ScriptTarget.Latest, true);
}

/** The names of an interface's own properties. */
function interfaceNamed(name: string): (node: ts.Node) => string[] | undefined {
  return (node) =>
    ts.isInterfaceDeclaration(node) && node.name.text === name
      ? node.members.map((member) => member.name?.getText() ?? '')
      : undefined;
}

/** A listener's and a replay server's ledger, of a run in which nothing was sent. */
async function emptyLedgers(): Promise<[ListenLedger, ReplayLedger]> {
  const ofListener = await listen({
    source: { kind: 'file', path: join(ROOT, 'test/captures/curl-get-post.pcap'), speed: Number.POSITIVE_INFINITY },
    ...{ ports: [1], filter: undefined, direction: 'both', maxBodyBytes: 1 },
    replay: [{ host: '127.0.0.1', port: 9 }],
  });
  const defaults = { bufferMs: 0, timeoutMs: 1, connections: 1, originalHost: false, insecure: false };
  const ofReplay = await replay(
    {
      ...{ host: '127.0.0.1', port: 0, targets: [{ url: 'http://127.0.0.1:9' }], resultsFile: undefined },
      ...{ ...defaults, mark: true, keepOrder: true, sessions: false, forwarder: 'exact', circuit: true, delayMs: 0 },
    },
    { signal: AbortSignal.abort() },
  );
  return [ofListener, ofReplay];
}

/** The names of all fields; of counts by reason only the name of the whole. */
function fieldsOf(ledger: object): string[] {
  return Object.entries(ledger).flatMap(([name, value]) => {
    if (Array.isArray(value)) return [name, ...value.flatMap((item: object) => fieldsOf(item))];
    return typeof value === 'object' && value !== null && !isCounts(value) ? [name, ...fieldsOf(value)] : [name];
  });
}

/** Reason or system code → count. */
function isCounts(value: object): boolean {
  return Object.keys(value).every((name) => /^([a-z0-9.-]+|[A-Z0-9_]+)$/.test(name));
}

/** `wire.sent`, `sessions[].sent` and `sent` explain `sent`; `frames.seen` explains `frames`, too. */
function isIn(field: string, explained: readonly string[]): boolean {
  return explained.some((name) => name.split(/\.|\[\]/).includes(field));
}

/** An assembler with so many open connections, a parser for each, as the listener has them. */
type BookkeepingState = 'open' | 'one-sided' | 'half-open' | 'ended';

function assemblerWith(connections: number, state: BookkeepingState): TcpAssembler {
  const budgets = { budget: new MemoryBudget(), responseBudget: new MemoryBudget() };
  const nothing = (): void => {};
  const assembler = new TcpAssembler({
    // As in the listener: handlers of its own for each connection.
    onConnection: (connection) =>
      new HttpConnection({
        ...budgets,
        onRequest: () => connection,
        onReject: nothing,
        onOtherProtocol: () => connection,
        onClientEnd: () => connection,
        onServerEnd: () => connection,
      }),
  });
  const [request, answer] = ['GET / HTTP/1.1\r\n\r\n', 'HTTP/1.1 204 No\r\n\r\n'].map((text) =>
    new TextEncoder().encode(text),
  );
  const none = new Uint8Array(0);
  for (let number = 0; number < connections; number++) {
    assembler.push(segmentOf(number, none, tcpFlags.syn));
    if (state === 'half-open') continue;
    assembler.push(segmentOf(number, request!, tcpFlags.ack));
    if (state === 'one-sided') continue;
    assembler.push(answering(segmentOf(number, none, tcpFlags.syn | tcpFlags.ack)));
    assembler.push(
      answering(segmentOf(number, answer!, state === 'ended' ? tcpFlags.ack | tcpFlags.fin : tcpFlags.ack)),
    );
    if (state === 'ended')
      assembler.push({ ...segmentOf(number, none, tcpFlags.ack | tcpFlags.fin), sequence: 1 + request!.length });
  }
  return assembler;
}

function answering(segment: Segment): Segment {
  const flow = segment.flow.slice(6) + segment.flow.slice(0, 6);
  return { ...segment, flow, sourcePort: segment.destinationPort, destinationPort: segment.sourcePort };
}

function segmentOf(number: number, bytes: Uint8Array, flags: number): Segment {
  const client = String.fromCharCode(10, 0, number >> 16, (number >> 8) & 255, 4, number & 255);
  return {
    flow: `${client}${String.fromCharCode(10, 0, 0, 1, 0, 80)}`,
    ...{
      sourcePort: 1024 + (number & 255),
      destinationPort: 80,
      sequence: (flags & tcpFlags.syn) === 0 ? 1 : 0,
      acknowledgment: 1,
      flags,
    },
    ...{ bytes, payloadStart: 0, payloadEnd: bytes.length, missing: 0, timestampUs: 1e15, direction: 'in' },
  };
}

/** What a request takes when it is parsed, besides its bytes. */
function parsedBytes(text: string): number {
  const requests = 1_000;
  const bytes = new TextEncoder().encode(text);
  const kept: unknown[] = [];
  const before = usedBytes();
  for (let request = 0; request < requests; request++) kept.push(parseRequest(bytes));
  const bytesEach = (usedBytes() - before) / requests;
  expect(kept.every((parsed) => typeof parsed === 'object')).toBe(true);
  return bytesEach;
}

/** What the heap holds after everything unused is collected. */
function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

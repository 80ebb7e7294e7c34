// Reads a corpus of captures with expectations: index.json, captures/, expected/<id>.json. Its README gives the format and
// says how firm an expectation is. What a test compares, on either side, is a Message or a Stream of this file.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where the corpus is looked for: GOR_CORPUS, else beside the repository. */
export const corpusFolder = resolve(process.env['GOR_CORPUS'] ?? join(import.meta.dirname, '../../../shared/corpus'));

/** A message of one direction of a connection: whole, or begun and not whole for a reason. */
export interface Message {
  /** `whole`, or why it is not: one of the words of `outcomes`, or another word. */
  readonly outcome: string;
  /** What a whole message is, compared by its JSON. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** For people: where it stands, what it is, what is odd about it. */
  readonly label: string;
  /** What is odd about it, to sum differences up. */
  readonly anomalies?: readonly string[];
  /** Everybody has to read it in this way. */
  readonly isFirm?: boolean;
}

/** The bytes of one direction of a connection. */
export interface Stream {
  readonly bytes: number;
  /** SHA-256 in hex, gaps left out. */
  readonly sha256: string;
  /** [from, to) offsets. */
  readonly gaps: readonly (readonly number[])[];
}

/** A connection that carried data. */
export interface CorpusConnection {
  /** address:port */
  readonly client: string;
  readonly server: string;
  readonly clientStream: Stream;
  readonly serverStream: Stream;
  readonly requests: readonly Message[];
  /** Undefined where they are not read. */
  readonly responses: readonly Message[] | undefined;
}

/** One capture and what is in it. */
export interface CorpusCase {
  readonly id: string;
  /** Path of the capture file. */
  readonly capture: string;
  /** Frames in the file. */
  readonly frames: number;
  readonly tags: readonly string[];
  /** In the order of their first packets; connections without data are left out. */
  readonly connections: readonly CorpusConnection[];
}

/** Why a message is not whole, in the words of the expectations, and in ours. `…-truncated` is also said before a gap. */
const outcomes: Readonly<Record<string, string>> = {
  'request-line-truncated': 'unfinished',
  'headers-truncated': 'unfinished',
  'body-truncated': 'unfinished',
  'gap-in-headers': 'gap',
  'gap-in-body': 'gap',
  'invalid-chunk-size': 'malformed-chunk',
};

interface ExpectedMessage {
  readonly stream: number;
  readonly index: number;
  readonly version: string | null;
  readonly rawVersion?: string;
  readonly headers: readonly (readonly string[])[];
  readonly trailers?: readonly (readonly string[])[];
  readonly framing: string;
  readonly bodyLength: number;
  readonly bodySha256: string;
  readonly complete: boolean;
  readonly incompleteReason: string | null;
  readonly anomalies: readonly string[];
  readonly firstTime: string;
  readonly streamOffset: number;
  readonly rawLength: number;
}

interface ExpectedRequest extends ExpectedMessage {
  readonly method: string;
  readonly target: string;
  readonly rawSha256: string;
}

interface ExpectedResponse extends ExpectedMessage {
  readonly status: number;
  readonly reason: string;
  readonly interim: boolean;
}

interface Expectation {
  readonly format: { readonly packets: number };
  readonly streams: readonly {
    readonly stream: number;
    readonly client: string;
    readonly server: string;
    readonly clientStream: Stream & { readonly syn: boolean };
    readonly serverStream: Stream & { readonly syn: boolean };
  }[];
  readonly requests: readonly ExpectedRequest[];
  readonly responses: readonly ExpectedResponse[];
}

interface IndexLine {
  readonly id: string;
  readonly capture: string;
  readonly expected: string;
  readonly tags: readonly string[];
}

/** All cases, or undefined where there is no corpus. Throws where GOR_CORPUS names none. */
export function readCorpus(): readonly CorpusCase[] | undefined {
  const index = join(corpusFolder, 'index.json');
  if (process.env['GOR_CORPUS'] === undefined && !existsSync(index)) return undefined;
  const lines: IndexLine[] = JSON.parse(readFileSync(index, 'utf8'));
  return lines.map((line) => {
    const expectation: Expectation = JSON.parse(readFileSync(join(corpusFolder, line.expected), 'utf8'));
    return {
      ...{ id: line.id, tags: line.tags, capture: join(corpusFolder, line.capture) },
      frames: expectation.format.packets,
      connections: connectionsOf(expectation, line.tags),
    };
  });
}

function connectionsOf(expectation: Expectation, tags: readonly string[]): CorpusConnection[] {
  const isDoubtful = tags.includes('malformed') || tags.includes('overlap-conflict');
  const withData = expectation.streams.filter(
    ({ clientStream, serverStream }) => clientStream.bytes + serverStream.bytes > 0,
  );
  return withData.map(({ stream, client, server, clientStream, serverStream }) => {
    const requests = expectation.requests.filter((request) => request.stream === stream);
    const responses = expectation.responses.filter((response) => response.stream === stream);
    const hasOddRequest = firstOdd(requests) < requests.length;
    // The n-th final response answers the n-th request, where nothing of either side is missing or odd.
    const isWhole = clientStream.gaps.length + serverStream.gaps.length === 0 && clientStream.syn && serverStream.syn;
    const isPairingKnown = isWhole && !hasOddRequest && finalOnes(responses) <= requests.length;
    return {
      ...{ client, server },
      clientStream: streamOf(clientStream),
      serverStream: streamOf(serverStream),
      requests: requests.map((request, at) => ({
        ...requestOf(request, clientStream),
        isFirm: request.complete && !isDoubtful && at < firstOdd(requests),
      })),
      responses: responses.map((response, at) => ({
        ...withRequest(responseOf(response, serverStream), response, responses, isPairingKnown),
        // What a request is decides how long its response is.
        isFirm: response.complete && !isDoubtful && !hasOddRequest && at < firstOdd(responses),
      })),
    };
  });
}

function finalOnes(responses: readonly ExpectedResponse[]): number {
  return responses.filter(({ interim }) => !interim).length;
}

/** Adds which request it answers, where that is known. */
function withRequest(
  message: Message,
  response: ExpectedResponse,
  responses: readonly ExpectedResponse[],
  isPairingKnown: boolean,
): Message {
  if (!isPairingKnown) return message;
  const answers = finalOnes(responses.slice(0, responses.indexOf(response)));
  return { ...message, fields: { ...message.fields, answers } };
}

/** From here on a connection's messages may rightly be read in another way. */
function firstOdd(messages: readonly ExpectedMessage[]): number {
  const at = messages.findIndex(({ anomalies }) => anomalies.length > 0);
  return at < 0 ? messages.length : at;
}

function streamOf({ bytes, sha256, gaps }: Stream): Stream {
  return { bytes, sha256, gaps };
}

function requestOf(request: ExpectedRequest, stream: Stream): Message {
  const { method, target, rawSha256 } = request;
  const fields = { method, target, ...fieldsOf(request), rawSha256 };
  return { ...messageOf(request, `${method} ${target.slice(0, 60)}`, stream), fields };
}

function responseOf(response: ExpectedResponse, stream: Stream): Message {
  const { status, reason, interim } = response;
  const fields = { status, reason, interim, ...fieldsOf(response) };
  return { ...messageOf(response, `${status} ${reason}`, stream), fields };
}

function messageOf(message: ExpectedMessage, name: string, { gaps }: Stream): Omit<Message, 'fields'> {
  const { stream, index, complete, incompleteReason, anomalies, streamOffset, rawLength } = message;
  const isCutByGap = gaps.some(([from]) => from === streamOffset + rawLength);
  const outcome = outcomes[incompleteReason ?? ''] ?? incompleteReason ?? 'unfinished';
  return {
    outcome: complete ? 'whole' : isCutByGap ? 'gap' : outcome,
    label: `connection ${stream}, message ${index} (${name})`,
    anomalies,
  };
}

function fieldsOf(message: ExpectedMessage): Message['fields'] {
  return {
    version: message.version ?? message.rawVersion ?? null,
    headers: message.headers.flat(),
    trailers: (message.trailers ?? []).flat(),
    ...{ framing: message.framing, bodyLength: message.bodyLength, bodySha256: message.bodySha256 },
    rawLength: message.rawLength,
    firstByteUs: microseconds(message.firstTime),
  };
}

/** Seconds as a decimal string with nine digits → whole microseconds, floored. */
function microseconds(seconds: string): number {
  const [whole = '0', fraction = ''] = seconds.split('.');
  return Number(whole) * 1_000_000 + Number(fraction.slice(0, 6));
}

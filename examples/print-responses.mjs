// Prints each response in a capture file with the request that it answers.
import { FrameDecoder, readCapture, TcpAssembler } from '@gor/capture';
import { HttpConnection, MemoryBudget, roleOf } from '@gor/http';

const [budget, responseBudget] = [new MemoryBudget(), new MemoryBudget()];
/** @param {import('@gor/http').HttpResponse} response */
const onResponse = ({ status, request, bodyLength }) =>
  console.log(JSON.stringify([request?.method, request?.target, status, bodyLength]));
const options = { budget, responseBudget, onRequest: () => {}, onReject: () => {}, onResponse };
const assembler = new TcpAssembler({ roleOf, onConnection: () => new HttpConnection(options) });
const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
for await (const frames of readCapture(process.argv[2] ?? '')) for (const frame of frames) decoder.push(frame);
assembler.close();

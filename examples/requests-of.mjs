// The requests of a capture file, in the order in which they were complete, each whole and the caller's to keep.
import { readConnections } from '@gor/capture';
import { capturedRequests, roleOf } from '@gor/http';

/**
 * @param {string} path of a capture file
 * @param {number} port of the servers
 */
export const requestsOf = (path, port) =>
  capturedRequests((onConnection) => readConnections(path, { serverPorts: [port], roleOf, onConnection }), {
    onReject: ({ reason }, connection) => console.error(`a request of connection ${connection} is left out: ${reason}`),
  });

// Defaults and limits of this package, and the one check that a number lies in its range.

/** Defaults of openUdpSender; bytes and milliseconds as the names say. */
export const senderDefaults = {
  maxDatagramBytes: 1200,
  maxRecordBytes: 32 * 1024 * 1024,
  flushAfterMs: 2,
  queueBytes: 64 * 1024 * 1024,
  maxConnections: 65_536,
  resendBytes: 16 * 1024 * 1024,
  resendDatagrams: 32_768,
  resendMs: 1000,
  resendShare: 0.1,
} as const;

/** Defaults of openUdpReceiver. */
export const receiverDefaults = { host: '0.0.0.0', port: 28020, receiveBufferBytes: 8 * 1024 * 1024 } as const;

/** Smallest and largest UDP payload that a sender may be told to use. */
export const datagramBytesRange = { min: 256, max: 65_507 } as const;
/** Bytes that a sender may be told to keep for sending again, beside 0: nothing is sent again. */
export const resendBytesRange = { min: 65_536, max: 2 ** 30 } as const;

/** Throws a RangeError naming option, value and range unless `value` is an integer from `min` to `max`; returns it. */
export function integerInRange(option: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${option} must be an integer from ${min} to ${max}, not ${value}`);
}

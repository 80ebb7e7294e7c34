// Text that came from a network, made safe for a terminal: what a client sends must not move anybody's cursor.

/** The text with everything outside printable ASCII as `\xHH` or `\uHHHH`, and the backslash doubled. */
export function terminalText(text: string): string {
  if (!/[^\x20-\x7e]|\\/.test(text)) return text;
  let safe = '';
  for (let at = 0; at < text.length; at++) safe += safeUnit(text.charCodeAt(at));
  return safe;
}

function safeUnit(code: number): string {
  if (code === 0x5c) return '\\\\';
  if (code >= 0x20 && code <= 0x7e) return String.fromCharCode(code);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

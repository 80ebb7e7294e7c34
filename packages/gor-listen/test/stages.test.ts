// The stages between parser and sink: the loop mark, and a list of them.
import { describe, expect, test } from 'vitest';
import { type CapturedRequest, leaveReplayed, type Stage } from '../src/index.ts';
import { throughStages } from '../src/stages.ts';
import { captured } from './captured.ts';

describe('the loop mark', () => {
  test.each<[sentence: string, headers: string, isReplayed: boolean]>([
    ['as the replay server writes it', 'Gor-Replayed: 1\r\n', true],
    ['in other letters, behind other headers', 'Host: a\r\ngOR-rEPLAYED: 1\r\n', true],
    ['with any value', 'Gor-Replayed:\r\n', true],
    ['not another name of the same length', 'Gor-Replayer: 1\r\n', false],
    ['not a longer name', 'X-Gor-Replayed: 1\r\n', false],
    ['not a value that reads like it', 'X-Header: Gor-Replayed\r\n', false],
    ['no header at all', '', false],
  ])('%s', (_, headers, isReplayed) => {
    const request = captured(`GET / HTTP/1.1\r\n${headers}\r\n`);
    expect(leaveReplayed(request)).toBe(isReplayed ? 'replayed' : request);
  });
});

describe('a list of stages', () => {
  const request = captured('GET / HTTP/1.1\r\n\r\n');
  const other = captured('GET /other HTTP/1.1\r\n\r\n');
  const seen: CapturedRequest[] = [];
  const pass: Stage = (given) => {
    seen.push(given);
    return given;
  };
  const change: Stage = () => other;
  const refuse: Stage = () => 'refused';

  test.each<[sentence: string, stages: Stage[], outcome: CapturedRequest | string, seenByPass: CapturedRequest[]]>([
    ['none lets everything pass', [], request, []],
    ['what one changes, the next one gets', [change, pass], other, [other]],
    ['behind a refusal nothing is asked', [pass, refuse, pass], 'refused', [request]],
  ])('%s', (_, stages, outcome, seenByPass) => {
    seen.length = 0;
    expect(throughStages(stages, request)).toBe(outcome);
    expect(seen).toEqual(seenByPass);
  });
});

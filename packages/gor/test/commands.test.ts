// The table of commands: each loads its program and hands it the arguments behind its name.
import { expect, test, vi } from 'vitest';
import { commands } from '../src/index.ts';

test.each(Object.keys(commands))('gor %s --version is the program’s own', async (name) => {
  let printed = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  const code = await commands[name]?.run(['--version']);
  write.mockRestore();
  expect(code).toBe(0);
  expect(printed).toMatch(/^\d+\.\d+\.\d+\n$/);
});

// Builds dist before the tests, for the programs that they start as processes.
import { execFileSync } from 'node:child_process';

export default function build(): void {
  execFileSync('node', ['node_modules/typescript/bin/tsc', '-b'], { stdio: 'inherit' });
}

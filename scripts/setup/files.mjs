// node:fs, and the one pattern that the stamp needs: `*` as a whole path segment (Node 20 has no globSync).
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';

export { existsSync, readFileSync, writeFileSync };

/**
 * The files that match a pattern of plain names and `*`.
 * @param {string} pattern
 * @returns {string[]}
 */
export function globSync(pattern) {
  let found = ['.'];
  for (const part of pattern.split('/')) {
    found = found.flatMap((folder) => {
      if (!existsSync(folder) || !statSync(folder).isDirectory()) return [];
      const names = part === '*' ? readdirSync(folder) : [part];
      return names.map((name) => `${folder}/${name}`).filter((path) => existsSync(path));
    });
  }
  return found.filter((path) => statSync(path).isFile());
}

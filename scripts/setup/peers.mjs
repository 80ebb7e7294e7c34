// The real programs that the live tests run against: nginx, curl, wrk, tcpdump, Redis.
import { canInstall, install, installCommand, isInPath } from './system-packages.mjs';

/** Program to Debian package. */
const PEERS = { nginx: 'nginx-light', curl: 'curl', wrk: 'wrk', tcpdump: 'tcpdump', 'redis-server': 'redis-server' };

/**
 * Installs the peers that are missing, where this process may; else says how to.
 * @returns {Promise<string>} a line about what is there
 */
export async function setUpPeers() {
  const missing = Object.entries(PEERS).filter(([program]) => !isInPath(program));
  const names = missing.map(([program]) => program).join(', ');
  const packages = missing.map(([, debianPackage]) => debianPackage);
  if (missing.length === 0) return Object.keys(PEERS).join(', ');
  if (!canInstall()) return `without ${names}; to run those tests, too: ${installCommand(packages)}`;
  await install(packages);
  return `installed ${packages.join(', ')}`;
}

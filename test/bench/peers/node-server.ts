import { readFileSync, statSync } from 'node:fs';

/** The smallest server that Node can be: it answers whoever connects. */
const SERVER =
  "require('node:net').createServer((peer) => peer.end('ok')).listen(process.env.KATA_AGENT_SERVER_ADDR.slice(7))";

/** How to run it in the agent's place. */
export const NODE_SERVER = { elf: process.execPath, args: ['-e', SERVER] } as const;

/** Bytes of all files that a process has mapped to run: executable and shared libraries. */
export function mappedProgramBytes(pid: number): number {
  const files = new Set<string>();
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const [, permissions, , , , path] = line.split(/\s+/);
    if (permissions?.includes('x') === true && path?.startsWith('/') === true) files.add(path);
  }
  return [...files].reduce((sum, file) => sum + statSync(file).size, 0);
}

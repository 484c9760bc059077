/** `make picture`: runs `kihon demo` and draws what it printed, as it came, in docs/demo.svg. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { terminalSvg } from './terminal-svg.ts';
import type { TimedLine } from './terminal-svg.ts';

const root = resolve(import.meta.dirname, '../../..');
/** How long the finished text stands before nothing more happens: the demo itself takes two to four seconds. */
const PROMPT_MS = 600;

/** The line without what is special to this machine: where the repository lies, and the local part of the kernel's release. */
function neutral(text: string): string {
  return text.replaceAll(`${root}/`, '').replaceAll(release(), release().replace(/-.*$/, ''));
}

const lines: TimedLine[] = [{ text: '$ make demo', atMs: 0 }];
const started = performance.now();
const demo = spawn(join(root, 'build/kihon'), ['demo'], { stdio: ['ignore', 'pipe', 'inherit'] });
createInterface({ input: demo.stdout }).on('line', (text) => {
  lines.push({ text: neutral(text), atMs: PROMPT_MS + performance.now() - started });
});
const [status] = (await once(demo, 'close')) as [number | null];
if (status !== 0) throw new Error(`kihon demo ended with ${status}`);
writeFileSync(join(root, 'docs/demo.svg'), terminalSvg('make demo: a container in a VM', lines));
process.stdout.write(`docs/demo.svg: ${lines.length} lines, ${((performance.now() - started) / 1000).toFixed(1)} s\n`);

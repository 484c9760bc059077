import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repository } from '../repository.ts';

let built: Promise<string> | undefined;

/** Path of `probe.c` as a static ELF, compiled once a run. */
export function buildProbe(): Promise<string> {
  built ??= (async () => {
    const folder = join(repository, 'build/test');
    mkdirSync(folder, { recursive: true });
    const program = join(folder, `seccomp-probe-${process.pid}`);
    const source = join(import.meta.dirname, 'probe.c');
    const strict = ['-Wall', '-Wextra', '-Werror', '-Wno-unused-result'];
    await promisify(execFile)('musl-gcc', ['-static', '-O2', ...strict, '-o', program, source]);
    return program;
  })();
  return built;
}

/** The lines of the probe as a table. */
export function parseProbe(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
  );
}

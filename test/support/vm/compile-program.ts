import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repository } from '../repository.ts';

const sources = join(repository, 'test/support/vm/programs');
const built = new Map<string, Promise<string>>();

/** Compiles one of `programs/` to a static ELF that runs in any guest, once a run; gives its path. */
export function compileProgram(name: string): Promise<string> {
  const earlier = built.get(name);
  if (earlier !== undefined) return earlier;
  const program = compile(name);
  built.set(name, program);
  return program;
}

async function compile(name: string): Promise<string> {
  const folder = join(repository, 'build/test/vm');
  mkdirSync(folder, { recursive: true });
  const program = join(folder, name);
  const strict = ['-Wall', '-Wextra', '-Werror', '-Wno-unused-result'];
  const source = join(sources, `${name}.c`);
  await promisify(execFile)('musl-gcc', ['-static', '-O2', ...strict, '-o', program, source]);
  return program;
}

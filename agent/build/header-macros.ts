/** What macros of the installed kernel headers are worth, from a compiler of the architecture. */
import { execFileSync } from 'node:child_process';
import type { Arch } from './arch.ts';

const compileFlags = ['-D_GNU_SOURCE', '-D__force=', '-D__bitwise=', '-w', '-O0'];

function compiler(arch: Arch, args: readonly string[], input: string): string {
  return execFileSync(arch.headerCompiler, [...compileFlags, ...arch.headerFlags, ...args, '-x', 'c', '-', '-o', '-'], {
    input,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Names of all object-like macros the headers define. */
export function macroNames(arch: Arch, source: string): string[] {
  const names: string[] = [];
  for (const line of compiler(arch, ['-E', '-dM'], source).split('\n')) {
    const match = /^#define ([A-Za-z_][A-Za-z0-9_]*) (\S.*)$/.exec(line);
    if (match?.[1] !== undefined) names.push(match[1]);
  }
  return names;
}

/** Values of constant expressions, by the compiler's own evaluation. Expressions that are no constants are left out. */
export function evaluate(arch: Arch, source: string, names: readonly string[]): Map<string, bigint> {
  let candidates = [...names];
  for (let attempt = 0; attempt < 20; attempt++) {
    const lines = candidates.map(
      (name) =>
        `  __asm__ volatile("\\n@@${name} %c0 %c1" : : "i"((int)((long long)(${name}) >> 32)), "i"((int)(long long)(${name})));`,
    );
    const program = `${source}\nvoid values(void) {\n${lines.join('\n')}\n}\n`;
    const firstLine = source.split('\n').length + 2;
    try {
      const values = new Map<string, bigint>();
      for (const match of compiler(arch, ['-S'], program).matchAll(/@@(\w+) (-?\d+) (-?\d+)/g)) {
        const [, name, high, low] = match;
        if (name === undefined || high === undefined || low === undefined) continue;
        values.set(name, (BigInt(high) << 32n) | BigInt.asUintN(32, BigInt(low)));
      }
      return values;
    } catch (error) {
      const stderr = String((error as { stderr?: unknown }).stderr);
      const bad = new Set<number>();
      for (const match of stderr.matchAll(/<stdin>:(\d+):\d+: error/g)) bad.add(Number(match[1]) - firstLine);
      const kept = candidates.filter((_, index) => !bad.has(index));
      if (kept.length === candidates.length) throw error;
      candidates = kept;
    }
  }
  throw new Error('the kernel headers define too many macros that are not constants');
}

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

/** Answers a line `[file, text]` with the names of the rules that are broken. */
const linter = `
  import { createInterface } from 'node:readline';
  import { ESLint } from 'eslint';
  const eslint = new ESLint();
  for await (const line of createInterface({ input: process.stdin })) {
    const [filePath, text] = JSON.parse(line);
    const [result] = await eslint.lintText(text, { filePath });
    console.log(JSON.stringify(result?.messages.map(({ ruleId }) => ruleId) ?? []));
  }`;

// A process of its own: the types of all sources are hundreds of megabytes, which other tests of this process would have to bear.
let child: ChildProcessByStdio<Writable, Readable, null>;
let answers: AsyncIterator<string>;
beforeAll(() => {
  child = spawn(process.execPath, ['--input-type=module', '--eval', linter], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
});
afterAll(() => {
  child.kill();
});

/** Names of the rules that `text` breaks when it stands in the file. Only files that exist are known to the type checker. */
async function broken(file: string, text: string): Promise<(string | null)[]> {
  child.stdin.write(`${JSON.stringify([resolve(root, file), text])}\n`);
  const answer: IteratorResult<string, unknown> = await answers.next();
  if (answer.done === true) throw new Error('the linter ended');
  return JSON.parse(answer.value) as (string | null)[];
}

// The first one reads the types of all sources, which takes long on a busy machine.
describe('the lint rules', { timeout: 240_000 }, () => {
  const agentFile = 'agent/src/guest/log/rate-limit.ts';
  const pureFile = 'agent/src/base/assert-never.ts';
  const hostFile = 'host/vm/find-program.ts';

  it.each([
    ["export const bytes: unknown = Buffer.from('x');\n", 'no-restricted-globals'],
    ['setTimeout(() => undefined, 1);\n', 'no-restricted-globals'],
    ['export const text: unknown = new TextEncoder();\n', 'no-restricted-globals'],
    ["import { readFileSync } from 'node:fs';\nexport const r: unknown = readFileSync;\n", 'no-restricted-imports'],
  ])('keep Node out of the agent: %s', async (text, rule) => {
    expect(await broken(agentFile, text)).toContain(rule);
  });

  it('let the host side use Node', async () => {
    expect(await broken(hostFile, "export const bytes: unknown = Buffer.from('x');\n")).toEqual([]);
  });

  it('keep clock and randomness out of pure code', async () => {
    const text = 'export const when = (): number => Date.now() + Math.random();\n';
    expect(await broken(pureFile, text)).toEqual(['no-restricted-properties', 'no-restricted-properties']);
    expect(await broken(agentFile, text)).toEqual([]);
  });

  it('see a floating promise, an any, and a switch that forgot a case', async () => {
    const text = [
      'const wait = (): Promise<void> => Promise.resolve();',
      'wait();',
      'export const loose = (value: any): unknown => value;',
      "export function name(kind: 'a' | 'b'): string {",
      "  switch (kind) { case 'a': return 'first'; }",
      "  return '';",
      '}',
      '',
    ].join('\n');
    expect((await broken(hostFile, text)).sort()).toEqual([
      '@typescript-eslint/explicit-module-boundary-types',
      '@typescript-eslint/no-explicit-any',
      '@typescript-eslint/no-floating-promises',
      '@typescript-eslint/switch-exhaustiveness-check',
    ]);
  });
});

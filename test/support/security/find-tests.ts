import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { repository } from '../repository.ts';
import { SECURITY_CASES } from './cases.ts';

/** An id as it stands in the name of a test, or at a step of a program that a test runs. */
const ID = /\b(?:MNT|EXE|PRV|CGN|TTR|API|LIV|VMB|ENG)-\d\d\b/g;
/** Where an id is no test: this list, and helpers that mention a case. */
const APART: ReadonlySet<string> = new Set(['support', 'bench', 'soak']);

/** The test files that name each case, by its id, sorted. */
export function findSecurityTests(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>(Object.keys(SECURITY_CASES).map((id) => [id, []]));
  const root = join(repository, 'test');
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    if (name.endsWith('security-cases.test.ts')) continue;
    if (!/(\.test|-program)\.ts$/.test(name) || APART.has(name.split('/')[0] ?? '')) continue;
    const text = readFileSync(join(root, name), 'utf8');
    for (const id of new Set(text.match(ID) ?? [])) found.get(id)?.push(relative(repository, join(root, name)));
  }
  return found;
}

/** The table of the documentation. */
export function formatSecurityTable(tests: ReadonlyMap<string, readonly string[]>): string {
  const link = (file: string): string => `[${file.replace(/^test\//, '').replace(/\.ts$/, '')}](../${file})`;
  const rows = Object.entries(SECURITY_CASES).map(
    ([id, title]) => `| ${id} | ${title} | ${(tests.get(id) ?? []).map(link).join(', ')} |`,
  );
  return ['| Case | What must not happen | Tests |', '| --- | --- | --- |', ...rows].join('\n');
}

import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** Check C1: a tree outside every root file system that no container and no request may change. */
export class Canary {
  readonly folder: string;
  readonly #before: string[];

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(join(folder, 'deep/er'), { recursive: true });
    writeFileSync(join(folder, 'secret'), 'the canary sings\n', { mode: 0o600 });
    writeFileSync(join(folder, 'deep/er/file'), 'x'.repeat(10_000));
    writeFileSync(join(folder, 'script'), '#!/bin/sh\n');
    chmodSync(join(folder, 'script'), 0o4755);
    symlinkSync('secret', join(folder, 'link'));
    this.#before = describeTree(folder);
  }

  /** What is different now; empty when nothing is. */
  changes(): string[] {
    const now = describeTree(this.folder);
    return [
      ...this.#before.filter((line) => !now.includes(line)).map((line) => `gone: ${line}`),
      ...now.filter((line) => !this.#before.includes(line)).map((line) => `new: ${line}`),
    ];
  }
}

/** Path, mode, owner and content of everything in a tree, one line each. */
export function describeTree(folder: string): string[] {
  const lines: string[] = [];
  const walk = (path: string): void => {
    const stat = lstatSync(path);
    const content = stat.isSymbolicLink()
      ? readlinkSync(path)
      : stat.isFile()
        ? createHash('sha256').update(readFileSync(path)).digest('hex')
        : '';
    lines.push(
      `${path.slice(folder.length)} ${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${stat.nlink} ${content}`,
    );
    if (stat.isDirectory()) for (const name of readdirSync(path).sort()) walk(join(path, name));
  };
  walk(folder);
  return lines;
}

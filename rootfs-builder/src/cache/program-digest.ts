import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

let known: string | undefined;

/** SHA-256 of this program: a builder that changed makes other images of the same recipe. */
export function programDigest(): string {
  if (known !== undefined) return known;
  const self = fileURLToPath(import.meta.url);
  const hash = createHash('sha256');
  if (basename(self) === 'program-digest.ts') {
    const root = dirname(dirname(self));
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    for (const name of names.sort())
      hash
        .update(name)
        .update('\0')
        .update(readFileSync(join(root, name)));
  } else hash.update(readFileSync(self)); // the bundle
  return (known = hash.digest('hex'));
}

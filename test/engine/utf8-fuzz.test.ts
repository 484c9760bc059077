/** The engine's decoder and Node's strict one must agree on any bytes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildEngineProgram, runProgram } from '../support/engine/run-in-engine.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodedByNode(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

/** Text in pieces, with bytes changed, cut and put between. */
const nearlyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }).map((text) => new TextEncoder().encode(text)),
      fc.uint8Array({ maxLength: 3 }),
      fc.constantFrom(
        ...[0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf8].map((byte) => Uint8Array.of(byte)),
      ),
      fc
        .string({ unit: 'binary', minLength: 1, maxLength: 1 })
        .map((text) => new TextEncoder().encode(text).subarray(0, -1)),
    ),
    { maxLength: 10 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

it.each(['release', 'sanitize'] as const)('utf8Decode agrees with a strict decoder (%s)', async (variant) => {
  const elf = await buildEngineProgram(join(import.meta.dirname, 'programs/main.ts'), variant);
  const records = fc.sample(nearlyText, { numRuns: variant === 'release' ? 20_000 : 4000 });
  const folder = mkdtempSync(join(tmpdir(), 'kihon-utf8-'));
  try {
    const [input, output] = [join(folder, 'in'), join(folder, 'out')];
    const framed = records.map((bytes) => Buffer.from([bytes.length & 0xff, bytes.length >> 8, ...bytes]));
    writeFileSync(input, Buffer.concat(framed));
    const run = await runProgram(elf, ['records', input, output]);
    expect(run.stderr).toBe('');
    expect(run.status, run.stdout).toBe(0);
    expect(JSON.parse(readFileSync(output, 'utf8'))).toEqual(records.map(decodedByNode));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

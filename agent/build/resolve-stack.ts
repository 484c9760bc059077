/**
 * Puts TypeScript files and lines into a stack that the agent printed:
 *
 *     npx tsx agent/build/resolve-stack.ts [--elf build/x86_64/kihon-agent] <console.log
 *
 * A frame names a module and a place in it, `agent.js:120:7`; the source map that says what that was lies beside the ELF as
 * `<ELF>.maps/agent.js.map`. Lines without such a place pass unchanged.
 */
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import type { SourceMapPayload } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '../..');
const place = /\b([a-z][\w-]*)\.js:(\d+)(?::(\d+))?/g;

function readMap(path: string): SourceMap {
  return new SourceMap(JSON.parse(readFileSync(path, 'utf8')) as SourceMapPayload);
}

/** Reads source maps of one ELF, each when it is first needed. */
class SourceMaps {
  readonly #elf: string;
  readonly #maps = new Map<string, SourceMap | undefined>();

  constructor(elf: string) {
    this.#elf = elf;
  }

  of(module: string): SourceMap | undefined {
    if (!this.#maps.has(module)) {
      const path = `${this.#elf}.maps/${module}.js.map`;
      this.#maps.set(module, existsSync(path) ? readMap(path) : undefined);
    }
    return this.#maps.get(module);
  }
}

/** The text with every place that can be resolved as `file.ts:line:column`, relative to the repository. */
export function resolveStack(text: string, elf: string): string {
  const maps = new SourceMaps(elf);
  return text.replace(place, (whole, module: string, line: string, column = '1') => {
    // The engine counts from 1, source maps from 0.
    const found = maps.of(module)?.findEntry(Number(line) - 1, Math.max(0, Number(column) - 1));
    if (found === undefined || !('originalSource' in found)) return whole;
    // Sources are named from the folder the bundle was made in; all lie in the repository.
    const file = found.originalSource.replace(/^(\.\.\/)+/, '');
    return `${file}:${found.originalLine + 1}:${found.originalColumn + 1}`;
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values } = parseArgs({
    options: { elf: { type: 'string', default: join(root, 'build/x86_64/kihon-agent') } },
  });
  const elf = resolve(values.elf);
  if (!existsSync(`${elf}.maps`)) throw new Error(`no source maps ${elf}.maps: build the agent first`);
  process.stdout.write(resolveStack(readFileSync(0, 'utf8'), elf));
}

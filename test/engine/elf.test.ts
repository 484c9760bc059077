/** What is in the released ELF, and what is not. Sizes are asserted here; times never are. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const elf = join(root, 'build/x86_64/kihon-agent');
const objects = join(root, 'build/obj/x86_64-release');

describe('the released ELF', () => {
  it('weighs at most 2 MiB', () => {
    expect(statSync(elf).size).toBeLessThanOrEqual(2 << 20);
  });

  it('is static and needs no interpreter', () => {
    const headers = execFileSync('readelf', ['--program-headers', '--dynamic', elf], { encoding: 'utf8' });
    expect(headers).not.toContain('INTERP');
    expect(headers).not.toContain('NEEDED');
  });

  it('has no executable stack', () => {
    const headers = execFileSync('readelf', ['--wide', '--program-headers', elf], { encoding: 'utf8' });
    expect(/GNU_STACK.* (R\w*) +0x/.exec(headers)?.[1]).toBe('RW');
  });

  it('is linked with our abort(), memcpy() and memmove(), not with those of the C library', () => {
    const map = execFileSync('nm', [join(objects, 'kihon-agent.elf')], { encoding: 'utf8' });
    expect(map).toMatch(/ T abort$/m);
    // musl's abort() takes a lock that ours does not have.
    expect(map).not.toMatch(/__abort_lock/);
    for (const name of ['abort', 'memory']) expect(statSync(join(objects, `${name}.o`)).size).toBeGreaterThan(0);
  });

  it('holds no parser', () => {
    const map = execFileSync('nm', [join(objects, 'kihon-agent.elf')], { encoding: 'utf8' });
    expect(map).not.toMatch(/js_parse_(program|function_decl|statement)/);
  });

  it('holds no failpoint', () => {
    expect(/failpoint/i.exec(readFileSync(elf, 'latin1'))).toBeNull();
  });

  it('starts init without the agent: what it loads is a fraction of it', () => {
    const loaded = (entry: string, seen = new Set<string>()): number => {
      if (seen.has(entry)) return 0;
      seen.add(entry);
      const imports = readFileSync(join(objects, entry), 'latin1').matchAll(/^} from "\.\/([\w-]+\.js)";$/gm);
      const below = [...imports].reduce((sum, [, name]) => sum + loaded(name ?? '', seen), 0);
      return below + statSync(join(objects, `${entry}.qjsbc`)).size;
    };
    expect(loaded('init.js')).toBeGreaterThan(statSync(join(objects, 'init.js.qjsbc')).size);
    expect(loaded('init.js')).toBeLessThan(loaded('agent.js') / 3);
    expect(loaded('init.js')).toBeLessThan(144 << 10);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BuildError } from '../../../../rootfs-builder/src/build-error.ts';
import { parseRecipe } from '../../../../rootfs-builder/src/recipe/parse-recipe.ts';

const parse = (text: string) => parseRecipe(text, '/r/test.toml', 'x86_64');

describe('a recipe', () => {
  it('has defaults for all that it does not say', () => {
    const recipe = parse('');
    expect(recipe).toMatchObject({ name: 'test', architecture: 'x86_64', base: { kind: 'none' }, files: [] });
  });

  it('takes paths of the host relative to its own folder and those of the guest relative to its root', () => {
    const recipe = parse('[[file]]\nsource = "a/b"\ntarget = "/etc/x"\nmode = "0600"\nowner = "1:2"\n');
    expect(recipe.files).toEqual([{ source: '/r/a/b', target: 'etc/x', mode: 0o600, owner: { uid: 1, gid: 2 } }]);
  });

  it.each([
    ['base = "oci:image.tar"', { kind: 'oci', path: '/r/image.tar' }],
    ['base = "dir:/x"', { kind: 'dir', path: '/x' }],
    ['base = "busybox"', { kind: 'busybox' }],
    [
      '[base]\nkind = "alpine"\nversion = "v3.20"\nmirror = "https://m/alpine"',
      { suite: 'v3.20', mirrors: ['https://m/alpine'] },
    ],
  ])('knows the base of %j', (text, base) => {
    expect(parse(text).base).toMatchObject(base);
  });

  it.each([
    ['[base]\nkind = "debian"\nsuite = "x"\npackges = []', 'base.packges: unknown key; did you mean packages?'],
    ['bas = "none"', 'bas: unknown key; did you mean base?'],
    ['base = "debain"', 'base: must be one of'],
    ['base = "debian"', 'base.suite: is missing: the base debian needs it'],
    ['[base]\nkind = "none"\nsuite = "x"', 'base.suite: has no meaning for the base none'],
    ['[base]\nkind = "ubuntu"\nsuite = "noble"', 'base.mirror: is missing'],
    ['[base]\nkind = "debian"\nsuite = "x"\npackages = ["--evil"]', 'base.packages[0]: must be the name of a package'],
    ['[base]\nkind = "debian"\nsuite = "x y"', 'base.suite: must be a word'],
    ['[[file]]\ntarget = "/a/../../b"\ncontent = ""', 'file[0].target: "/a/../../b" leaves the root of the guest'],
    ['[[file]]\ntarget = "/a\\nb"\ncontent = ""', 'file[0].target: "/a\\nb" contains a newline or NUL'],
    ['[[file]]\ntarget = "/a"', 'file[0]: give either source or content'],
    [
      '[[file]]\ntarget = "/a"\ncontent = ""\n[[symlink]]\ntarget = "a"\nto = "b"',
      'symlink[0].target: /a is that of file[0] too',
    ],
    ['[[file]]\ntarget = "/a"\ncontent = ""\nmode = "999"', 'file[0].mode: must be three or four octal digits'],
    ['[[file]]\ntarget = "/a"\ncontent = ""\nowner = "root"', 'file[0].owner: must be UID:GID in numbers'],
    ['[output]\nsize = "0M"', 'output.size: must be a size such as 256M'],
    ['[output]\nsize = true', 'output.size: must be a number'],
    ['[output]\nsalt = "00"', 'output.salt: has no meaning without verity'],
    ['[output]\nformat = "qcow2"', 'output.format: must be one of'],
    ['remove = ["/"]', 'remove[0]: is the root of the guest'],
    ['base = "none"\n[agent]\ninit = "systemd"', 'agent.init: the base none has no systemd'],
    ['[agent]\nslim = true', 'agent.slim: has no meaning without init = "systemd"'],
    ['[agent]\nconfig = "a"\nsettings = {}', 'agent.settings: give either config or settings'],
    ['name = ', 'recipe /r/test.toml:1:'],
    ['"__proto__" = 1', '__proto__: unknown key'],
    ['"constructor" = 1', 'constructor: unknown key'],
  ])('%j is refused with the path of the key', (text, message) => {
    expect(() => parse(text)).toThrow(BuildError);
    expect(() => parse(text)).toThrow(message);
  });

  it('tells everything that is wrong, one on a line', () => {
    const text = '[base]\nkind = "none"\nx = 1\n[output]\nformat = "y"';
    expect(() => parse(text)).toThrow(/^recipe .*base\.x: unknown key[^\n]*\nrecipe .*output\.format: must be/);
  });

  it('any document is a recipe or refused with a BuildError', () => {
    const words = fc.constantFrom(
      'base',
      'kind',
      'none',
      'file',
      'target',
      'output',
      '[',
      ']',
      '=',
      '"',
      '\n',
      '{',
      '}',
      '/',
      '..',
      '1',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string({ maxLength: 4 })), { maxLength: 20 }), (parts) => {
        try {
          parse(parts.join(' '));
        } catch (error) {
          expect(error).toBeInstanceOf(BuildError);
        }
      }),
    );
  });
});

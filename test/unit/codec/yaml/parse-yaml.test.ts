import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseYaml, YamlError } from '../../../../agent/src/codec/yaml/parse-yaml.ts';

/** As nvidia-ctk writes it. */
const CDI = `---
cdiVersion: 0.5.0
kind: nvidia.com/gpu
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
      fileMode: 438
    hooks: []
- name: all
  containerEdits: {}
containerEdits:
  env:
  - NVIDIA_VISIBLE_DEVICES=void
  hooks:
  - args:
    - nvidia-cdi-hook
    - create-symlinks
    - --link
    - ../libnvidia-allocator.so.1::/usr/lib/x86_64-linux-gnu/gbm/nvidia-drm_gbm.so
    hookName: createContainer
    path: /usr/bin/nvidia-cdi-hook
  mounts:
  - containerPath: /usr/lib/libcuda.so.550.54.15
    hostPath: /usr/lib/libcuda.so.550.54.15
    options: [ro, nosuid, "nodev", 'bind']   # four
`;

/** Objects of the parser have no prototype. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? Number(item) : item)));

describe('parseYaml()', () => {
  it('reads what tools for accelerators write', () => {
    expect(plain(parseYaml(CDI))).toEqual({
      cdiVersion: '0.5.0',
      kind: 'nvidia.com/gpu',
      devices: [
        { name: '0', containerEdits: { deviceNodes: [{ path: '/dev/nvidia0', fileMode: 438 }], hooks: [] } },
        { name: 'all', containerEdits: {} },
      ],
      containerEdits: {
        env: ['NVIDIA_VISIBLE_DEVICES=void'],
        hooks: [
          {
            args: [
              'nvidia-cdi-hook',
              'create-symlinks',
              '--link',
              '../libnvidia-allocator.so.1::/usr/lib/x86_64-linux-gnu/gbm/nvidia-drm_gbm.so',
            ],
            hookName: 'createContainer',
            path: '/usr/bin/nvidia-cdi-hook',
          },
        ],
        mounts: [
          {
            containerPath: '/usr/lib/libcuda.so.550.54.15',
            hostPath: '/usr/lib/libcuda.so.550.54.15',
            options: ['ro', 'nosuid', 'nodev', 'bind'],
          },
        ],
      },
    });
  });

  it.each<readonly [string, string, unknown]>([
    ['an empty text', '', null],
    ['comments alone', '# a\n  # b\n', null],
    ['a scalar', 'text', 'text'],
    ['numbers', '[1, -2, 0x10, 0o17, 1.5, 1e3, .5]', [1, -2, 16, 15, 1.5, 1000, 0.5]],
    ['words', '[true, False, ~, null, yes, on]', [true, false, null, null, 'yes', 'on']],
    ['text that looks like more', 'a: b:c\nd: x#y\ne: http://z', { a: 'b:c', d: 'x#y', e: 'http://z' }],
    ['quotes', `'it''s': "a\\tb\\u00e9"`, { "it's": 'a\tb\u00e9' }],
    ['quotes over lines', '"a\n  b\n\n  c\\\n  d"', 'a b\ncd'],
    ['keys without a value', 'a:\nb: ~\nc: # none\n', { a: null, b: null, c: null }],
    ['a list as far left as its key', 'a:\n- 1\n- 2\nb: 3', { a: [1, 2], b: 3 }],
    ['lists in lists', '- - 1\n  - 2\n-\n  - 3\n- ', [[1, 2], [3], null]],
    ['mappings in lists', '- a: 1\n  b:\n    c: 2\n- d: 3', [{ a: 1, b: { c: 2 } }, { d: 3 }]],
    ['plain text over lines', 'a: one\n  two\n\n  three\nb: 1', { a: 'one two\nthree', b: 1 }],
    ['a literal block', 'a: |\n  one\n   two\n\n  three\nb: 1', { a: 'one\n two\n\nthree\n', b: 1 }],
    ['a stripped block', 'a: |-\n  one\n\nb: 1', { a: 'one', b: 1 }],
    ['a kept block', 'a: |+\n  one\n\nb: 1', { a: 'one\n\n', b: 1 }],
    ['a folded block', 'a: >\n  one\n  two\n\n  three\n   four\n  five\n', { a: 'one two\nthree\n four\nfive\n' }],
    ['flow over lines', '{a: [1,\n 2], b: {c: },\n d}', { a: [1, 2], b: { c: null }, d: null }],
    ['the end of a document', 'a: 1\n...\n# rest', { a: 1 }],
    ['Windows line ends', 'a: 1\r\nb:\r\n- x\r\n', { a: 1, b: ['x'] }],
    ['JSON', '{"a": [1, "b", null, true], "c": {"d": "e\\n"}}', { a: [1, 'b', null, true], c: { d: 'e\n' } }],
  ])('reads %s', (_, text, value) => {
    expect(plain(parseYaml(text))).toEqual(value);
  });

  it('keeps integers exact', () => {
    expect(parseYaml('18446744073709551615')).toBe(18446744073709551615n);
  });

  it.each([
    ['an anchor', 'a: &x 1', 'line 1, column 4'],
    ['an alias', 'a: *x', 'not supported'],
    ['a tag', 'a: !!str 1', 'not supported'],
    ['a merge key', '<<: {}', 'merge keys'],
    ['a complex key', '? a\n: b', 'not supported'],
    ['a directive', '%YAML 1.2\n---\na', 'not supported'],
    ['a key given twice', 'a: 1\nb: 2\na: 3', 'line 3, column 1: the key "a" is given twice'],
    ['a key given twice in braces', '{a: 1, a: 2}', 'given twice'],
    ['a second document', 'a: 1\n---\nb: 2', 'second document'],
    ['a tab as indentation', 'a:\n\tb: 1', 'a tab'],
    ['less indentation than before', 'a:\n    b: 1\n  c: 2', 'line 3'],
    ['more indentation than before', 'a: 1\n  b: 2', 'indented'],
    ['a list and a mapping mixed', '- a\nb: 1', 'line 2'],
    ['a value that is no key', 'a: 1\nb', 'a key and a colon'],
    ['a mapping behind a key', 'a: b: c', 'colon'],
    ['a list behind a key', 'a: - b', 'list'],
    ['an open quote', "a: 'b", 'line 1, column 4: a quote'],
    ['an open bracket', 'a: [1, 2', 'a [ without its end'],
    ['an open brace', 'a: {b: 1', 'a { without its end'],
    ['text behind a quote', 'a: "b" c', 'behind'],
    ['an unknown escape', '"\\q"', 'escape'],
    ['leading zeros', 'mode: 0644', 'leading zeros'],
    ['a nesting without end', '['.repeat(100), 'nested deeper'],
  ])('refuses %s', (_, text, words) => {
    expect(() => parseYaml(text)).toThrow(YamlError);
    expect(() => parseYaml(text)).toThrow(words);
  });

  it('reads every JSON document as JSON does', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        // YAML has no minus zero of its own, and 1e21 is written with a sign that JSON.parse takes as well.
        expect(plain(parseYaml(text))).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it('reads back block collections in any nesting', () => {
    const word = fc
      .stringMatching(/^[a-z][a-z0-9_./=:-]{0,11}[a-z0-9]$/)
      .filter((text) => !['null', 'true', 'false'].includes(text));
    const tree = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 4 }, tie('leaf'), tie('list'), tie('map')),
      leaf: fc.oneof(word, fc.string({ maxLength: 12 }), fc.integer(), fc.boolean(), fc.constant(null)),
      list: fc.array(tie('node'), { minLength: 1, maxLength: 4 }),
      map: fc.dictionary(word, tie('node'), { minKeys: 1, maxKeys: 4 }),
    }));
    const scalar = (value: unknown): string => {
      if (typeof value !== 'string') return String(value);
      return /^[a-z][a-z0-9_./=-]*[a-z0-9]$/.test(value) && !['null', 'true', 'false'].includes(value)
        ? value
        : JSON.stringify(value);
    };
    const write = (value: unknown, indent: string): string => {
      if (Array.isArray(value)) return value.map((item) => `${indent}-${child(item, indent)}`).join('');
      return Object.entries(value as object)
        .map(([key, item]) => `${indent}${scalar(key)}:${child(item, indent)}`)
        .join('');
    };
    const child = (value: unknown, indent: string): string =>
      typeof value === 'object' && value !== null ? `\n${write(value, `${indent}  `)}` : ` ${scalar(value)}\n`;
    fc.assert(
      fc.property(tree.node, (value) => {
        const text = typeof value === 'object' && value !== null ? write(value, '') : scalar(value);
        expect(plain(parseYaml(text))).toEqual(plain(value));
      }),
      { numRuns: 500 },
    );
  });

  it('says what is wrong with any text, or reads it, and nothing else', () => {
    const piece = fc.constantFrom(
      'a',
      'b:',
      ' ',
      '  ',
      '\n',
      '- ',
      '"',
      "'",
      '|',
      '>',
      '#',
      '[',
      ']',
      '{',
      '}',
      ',',
      '\t',
      '&',
      '0',
      '\r\n',
      '\\',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          parseYaml(pieces.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(YamlError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../../agent/src/base/errors.ts';
import { planOverlay } from '../../../../agent/src/guest/storage/overlay-options.ts';

const BASE = '/run/kata-containers';
const plan = (options: readonly string[], driverOptions: readonly string[] = [], id?: string) =>
  planOverlay({ options, driverOptions }, id);

describe('planOverlay()', () => {
  it('takes the layers as hosts send them', () => {
    const made = `io.katacontainers.volume.overlayfs.create_directory=${BASE}/v/rw/work`;
    const result = plan(
      [
        `lowerdir=${BASE}/v/a:${BASE}/v/b\\:c`,
        `upperdir=${BASE}/v/rw/fs`,
        `workdir=${BASE}/v/rw/work`,
        'index=off',
        'ro',
      ],
      [made, 'unknown'],
    );
    expect(result.lower.map(({ path }) => path)).toEqual([`${BASE}/v/a`, `${BASE}/v/b:c`]);
    expect(result.upper?.path).toBe(`${BASE}/v/rw/fs`);
    expect(result.work?.path).toBe(`${BASE}/v/rw/work`);
    expect(result.create.map(({ path }) => path)).toEqual([`${BASE}/v/rw/work`]);
    expect(result.options).toEqual(['index=off', 'ro']);
    expect(result.ownsLayer).toBe(false);
  });

  it('makes a layer in the folder of the container, and keeps the marker from the kernel', () => {
    const result = plan([`lowerdir=${BASE}/v/a`, 'io.katacontainers.fs-opt.overlay-rw'], [], 'c1');
    expect(result).toMatchObject({ ownsLayer: true, options: [] });
    expect([result.upper?.path, result.work?.path]).toEqual([`${BASE}/c1/upper`, `${BASE}/c1/work`]);
    expect(() => plan(['io.katacontainers.fs-opt.overlay-rw'])).toThrow('No container id in rw overlay');
  });

  it.each([
    [['lowerdir=/etc']],
    [['upperdir=/']],
    [[`workdir=${BASE}/../../etc`]],
    [[`lowerdir=${BASE}/a:/proc`]],
    [[`lowerdir=${BASE}/a::${BASE}/b`]],
    [[`index=off,upperdir=/etc`]],
    [['lowerdir=relative']],
  ])('refuses %j, which leaves the allowed bases (API-08)', (options) => {
    expect(() => plan(options)).toThrow(expect.objectContaining({ code: 'invalid_argument' }) as Error);
  });

  it('refuses other ways of naming a layer', () => {
    expect(() => plan(['lowerdir+=/etc'])).toThrow('invalid mount option');
    expect(() => plan(['datadir+=/etc'])).toThrow('invalid mount option');
    expect(() => plan([], ['io.katacontainers.volume.overlayfs.create_directory=/etc/x'])).toThrow('create_directory');
  });

  it('answers any text with a plan inside the bases or a refusal', () => {
    const word = fc.oneof(
      fc.constantFrom('lowerdir=', 'upperdir=', 'workdir=', BASE, '/', ':', ',', '\\', '..', 'etc', 'ro'),
      fc.string(),
    );
    const option = fc.array(word, { maxLength: 8 }).map((words) => words.join(''));
    fc.assert(
      fc.property(fc.array(option, { maxLength: 4 }), (options) => {
        try {
          const { lower, upper, work, options: rest } = plan(options);
          for (const place of [...lower, upper, work]) {
            if (place === undefined) continue;
            expect(place.path.startsWith(`${BASE}/`) || place.path.startsWith('/run/user/')).toBe(true);
            expect(place.parts).not.toContain('..');
          }
          expect(rest.filter((each) => /^(lower|upper|work|data)dir\+?=/.test(each))).toEqual([]);
        } catch (error) {
          if (!(error instanceof DomainError)) throw error;
        }
      }),
    );
  });
});

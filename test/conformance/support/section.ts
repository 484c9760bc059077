import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { isVm, runtimeName, startTarget, type Target } from './target.ts';
import { NotExpressible } from './proto-config.ts';
import { peerGaps } from './peer-gaps.ts';
import type { OciRuntime } from '../../support/oci-runtime.ts';

/** What tests may ask of a container without a command line: the agent's API can do it as well. */
export type Runner = Pick<Target, 'run' | 'refusal'>;

/** What a test needs that not every place has. */
export interface Needs {
  /** Only in a guest: cgroup v2 with all its controllers. */
  readonly vm?: boolean;
  /** A reason why it cannot run on this machine, whatever the runtime. */
  readonly skip?: string | undefined;
}

export interface Section {
  /** A promise that is seen from inside a container. */
  readonly promise: (title: string, body: (runner: Runner) => Promise<void>, needs?: Needs) => void;
  /** A promise about the operations of the command line. */
  readonly operation: (title: string, body: (runtime: OciRuntime) => Promise<void>, needs?: Needs) => void;
}

/** Starting a target may boot a VM. */
const HOOK_MS = 240_000;

/**
 * Tests of one section of the runtime specification. `anchor` is where the text stands, e.g. `config.md#mounts`; each test states one
 * promise of it. After every test nothing of its containers may be left.
 */
export function section(anchor: string, body: (section: Section) => void): void {
  let count = 0;
  const gaps = peerGaps[runtimeName()] ?? {};
  describe(anchor, () => {
    let target: Target | undefined;
    const open = (): Target => {
      if (target === undefined) throw new Error('the runtime is there only inside tests');
      return target;
    };
    beforeAll(async () => {
      target = await startTarget();
    }, HOOK_MS);
    afterEach(async () => {
      await target?.verify();
    });
    afterAll(async () => {
      await target?.release();
    }, HOOK_MS);

    const add = (title: string, test: () => Promise<void>, needs: Needs): void => {
      count += 1;
      const why = needs.vm === true && !isVm() ? 'only in a guest' : (needs.skip ?? gaps[`${anchor} > ${title}`]);
      if (why === undefined)
        it(title, async (context) => {
          try {
            await test();
          } catch (error) {
            if (error instanceof NotExpressible) context.skip(`the agent's API cannot say ${error.message}`);
            throw error;
          }
        });
      else it.skip(`${title} (${why})`);
    };
    body({
      promise: (title, test, needs = {}) => add(title, () => test(open()), needs),
      operation: (title, test, needs = {}) => {
        if (runtimeName() !== 'agent') add(title, () => test(open().runtime), needs);
      },
    });
    if (count === 0) it.skip('has promises about the command line only');
  });
}

import { describe, expect, it } from 'vitest';
import { isRpcError } from '../../host/client/rpc-error.ts';
import type { AgentMethod } from '../../host/client/agent-client.ts';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { withOddValue } from '../support/agent/odd-request.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { amount } from '../support/long.ts';
import { numberSource } from '../fuzz/support/mutation.ts';
import { methodsOf, PLAUSIBLE_REQUESTS } from '../soak/requests/plausible-requests.ts';

const SEED = Number(process.env['KIHON_FUZZ_SEED'] ?? Date.now() % 0x7fff_ffff);
/** For calls that wait; in ms. */
const WAIT_MS = 100;
/** Bounds a call that is never answered; in ms. */
const GRACE_MS = 20_000;
/** Rounds after which a container that was ended is replaced. */
const ROUNDS_OF_ONE = 6;
const CODES: ReadonlySet<string> = new Set([
  ...['ok', 'invalid_argument', 'not_found', 'already_exists', 'internal', 'deadline_exceeded', 'unimplemented'],
  ...['resource_exhausted', 'unavailable', 'permission_denied', 'unknown'],
]);
/** What a mistake of the agent's own looks like. */
const MISTAKE =
  /\n\s+at |\.(ts|js):\d+|TypeError|ReferenceError|RangeError|not a function|of undefined|of null|cannot read propert|descriptor\b.* is closed|EBADF|EFAULT/;
/** They change the agent's sandbox for all that comes after, or end it. */
const APART: ReadonlySet<AgentMethod> = new Set<AgentMethod>(['SetPolicy', 'CreateSandbox']);

/** What they make lasts as long as the sandbox: mounts, files, the socket for events of devices. */
const LASTING: ReadonlySet<AgentMethod> = new Set<AgentMethod>([
  'UpdateEphemeralMounts',
  'CopyFile',
  'AddSwap',
  'GetDiagnosticData',
]);

describe('requests that differ in one or two values from plausible ones', { timeout: 300_000 }, () => {
  const fixture = useAgent({ hasNetworkNamespace: true });

  it.each(methodsOf('process').filter((method) => !APART.has(method)))(
    `%s answers with a status and an explanation (seed ${SEED})`,
    async (method) => {
      const { client, root } = fixture;
      const random = numberSource(SEED);
      const next = (limit: number): number => (limit === 0 ? 0 : random() % limit);
      let container = await TestContainer.start(client, { root, run: 'exec cat' });
      let companion = await container.exec('exec cat');
      for (let round = 0; round < amount(12, 1000); round++) {
        const target = { containerId: container.id, execId: companion.execId, root };
        let request: unknown = PLAUSIBLE_REQUESTS[method](target);
        for (let changes = 0; changes <= next(2); changes++) request = withOddValue(request, next);
        const asked = JSON.stringify(request, (_, value: unknown) =>
          typeof value === 'bigint'
            ? `${value}n`
            : typeof value === 'string' && value.length > 80
              ? `${value.slice(0, 80)}...`
              : value,
        );
        const shown = `${method} ${(asked as string | undefined)?.slice(0, 2000)}`;
        let answer: { code: string; detail: string };
        try {
          await client.call(method, request ?? {}, { timeoutMs: WAIT_MS, graceMs: GRACE_MS });
          answer = { code: 'ok', detail: '' };
        } catch (error) {
          // One that cannot be written down was never sent.
          if (!isRpcError(error)) continue;
          answer = { code: error.code, detail: error.detail };
        }
        expect(CODES, `${shown}: ${answer.code}: ${answer.detail}`).toContain(answer.code);
        expect(answer.detail, shown).not.toMatch(MISTAKE);
        expect(answer.detail.length, shown).toBeLessThan(5000);
        expect(answer.detail, shown).not.toContain('no answer in');
        // Whoever was made goes again; whoever was ended comes again.
        const made = request as { container_id?: unknown } | undefined;
        if (method === 'CreateContainer' && answer.code === 'ok' && typeof made?.container_id === 'string')
          await TestContainer.attach(client, made.container_id).remove();
        if (round % ROUNDS_OF_ONE !== ROUNDS_OF_ONE - 1) continue;
        await container[Symbol.asyncDispose]();
        container = await TestContainer.start(client, { root, run: 'exec cat' });
        companion = await container.exec('exec cat');
      }
      await container[Symbol.asyncDispose]();
      await fixture.watched.alive();
      if (LASTING.has(method)) await fixture.watched.rebase();
    },
  );
});

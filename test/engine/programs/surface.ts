/** What the engine offers, and what it must not. */
import { check, checkEqual, checkThrows } from '../../support/engine/checks.ts';

export function surfaceChecks(): void {
  const engine = (globalThis as unknown as { engine: Record<string, unknown> }).engine;
  const offered = Object.keys(engine).filter((name) => name !== 'turn' && name !== 'onFatal');
  const calls = ['retriedSyscall', 'syscall', 'syscallForEach'];
  const designed = ['addressOf', 'argv', 'entry', 'environ', ...calls, 'utf8Decode', 'utf8Encode'];
  checkEqual('the engine offers what the design says and no more', offered.sort(), designed);
  checkEqual('the default entry is the agent', engine['entry'], 'agent');

  const absent = ['resize', 'transfer', 'transferToFixedLength', 'transferToImmutable'];
  const left = absent.filter((name) => name in ArrayBuffer.prototype);
  checkEqual('no buffer can change its size or move', left, []);

  const nodeGlobals = ['Buffer', 'process', 'console', 'setTimeout', 'TextEncoder', 'TextDecoder', 'URL', 'Intl'];
  const present = [...nodeGlobals, 'performance', 'require', 'std', 'os'].filter((name) => name in globalThis);
  checkEqual('nothing of Node, of a browser or of the stock interpreter is there', present, []);
  const parse = (): unknown => Reflect.construct(Function, ['return 1']);
  checkThrows('no parser is linked in: text never becomes code', parse, '');
  const indirect = globalThis.eval as (text: string) => unknown;
  checkThrows('not by eval either', () => indirect('1'), '');

  let greeting = '';
  {
    using resource = { [Symbol.dispose]: () => void (greeting += 'disposed') };
    greeting = `${typeof resource} `;
  }
  checkEqual('using disposes natively', greeting, 'object disposed');
  // Local time would open /etc/localtime, which may be a container's.
  checkEqual('local time is UTC', new Date(0).getTimezoneOffset(), 0);
  check('integers are exact to 64 bits', BigInt.asUintN(64, -1n) === 2n ** 64n - 1n);
}

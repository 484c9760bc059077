import { SIGHUP, SIGINT, SIGTERM } from '../abi/constants.ts';
import { AbortController } from '../base/abort.ts';
import type { AbortSignal } from '../base/abort.ts';
import { DomainError } from '../base/errors.ts';
import type { EventLoop } from '../sys/loop.ts';
import { watchSignals } from '../sys/signal.ts';

/** Until `end` is called, signals that end a program give up what is under way, so that it is undone and not abandoned. */
export function giveUpOnSignals(loop: EventLoop): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  const end = watchSignals(loop, [SIGINT, SIGTERM, SIGHUP], ({ signal }) =>
    controller.abort(new DomainError('cancelled', `given up on signal ${signal}`)),
  );
  return { signal: controller.signal, end };
}

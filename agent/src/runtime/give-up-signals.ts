import { SIGHUP, SIGINT, SIGTERM } from '../abi/constants.ts';
import { AbortController } from '../base/abort.ts';
import type { AbortSignal } from '../base/abort.ts';
import { DomainError } from '../base/errors.ts';
import type { EventLoop } from '../sys/loop.ts';
import { watchSignals } from '../sys/signal.ts';

/**
 * Until `end` is called, signals that end a program give up what is under way, so that it is undone and not abandoned. They are blocked
 * from the start (agent/engine/main.c), so they are read when the loop turns for the first time: nobody could hear of one earlier.
 */
export function giveUpOnSignals(loop: EventLoop): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  let stop: (() => void) | undefined;
  let isOver = false;
  loop.soon(() => {
    if (isOver) return;
    stop = watchSignals(loop, [SIGINT, SIGTERM, SIGHUP], ({ signal }) =>
      controller.abort(new DomainError('cancelled', `given up on signal ${signal}`)),
    );
  });
  const end = (): void => {
    isOver = true;
    stop?.();
  };
  return { signal: controller.signal, end };
}

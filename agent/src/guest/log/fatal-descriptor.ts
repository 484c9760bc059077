import { O_RDWR } from '../../abi/constants.ts';
import type { Fd } from '../../sys/fd.ts';
import { duplicateTo } from '../../sys/descriptor.ts';
import { open } from '../../sys/file.ts';

/**
 * Descriptor where the engine writes a fatal message beside stderr, even when JavaScript can run no more: FATAL_LOG_FD of
 * agent/engine/engine.h.
 */
const FATAL_DESCRIPTOR = 9;

/** Keeps the number free of other use. Must run before the agent opens its descriptors. */
export function reserveFatalDescriptor(): void {
  using none = open('/dev/null', O_RDWR);
  duplicateTo(none, FATAL_DESCRIPTOR, true);
}

/** Points it at a client of the log port. */
export function setFatalDescriptor(client: Fd): void {
  duplicateTo(client, FATAL_DESCRIPTOR, true);
}

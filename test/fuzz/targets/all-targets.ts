import type { FuzzTarget } from '../support/fuzz-target.ts';
import { decoderTarget } from '../support/fuzz-target.ts';
import { archiveTargets } from './archive-decoders.ts';
import { builderTargets } from './builder-decoders.ts';
import { imageTargets } from './image-decoders.ts';
import { specTargets } from './container-spec.ts';
import { dbusDecoders } from './dbus-decoders.ts';
import { jsonTargets } from './json-documents.ts';
import { hostTargets } from './host-decoders.ts';
import { policyTargets } from './policies.ts';
import { protobufTargets } from './protobuf.ts';
import { textDecoders } from './text-decoders.ts';
import { connectionTargets } from './ttrpc-connections.ts';
import { wireDecoders } from './wire-decoders.ts';

/** Everything that reads outside bytes. `make fuzz` runs each for a time, `make test` each for a few hundred cases. */
export const allTargets: readonly FuzzTarget[] = [
  ...[...wireDecoders, ...dbusDecoders, ...textDecoders].map(decoderTarget),
  ...protobufTargets,
  ...connectionTargets,
  ...specTargets,
  ...jsonTargets,
  ...hostTargets,
  ...builderTargets,
  ...policyTargets,
  ...archiveTargets,
  ...imageTargets,
];

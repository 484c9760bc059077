import { difference } from '../../support/vm/vm-holdings.ts';
import { eventually } from '../../support/eventually.ts';
import type { AgentClient } from '../../../host/client/agent-client.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { EPHEMERAL_VOLUME, SHARED_FILE, type Place } from './place.ts';

const REGULAR_FILE = 0o100644;

/** How long things may take to come to rest or to fall back, in ms. */
const SETTLE_MS = 20_000;
const WARM_UP_MS = 50;

/** The request that makes `SHARED_FILE`, also again. */
export const copySharedFile = {
  path: SHARED_FILE,
  file_size: 4n,
  file_mode: REGULAR_FILE,
  dir_mode: 0o755,
  uid: 0,
  gid: 0,
  offset: 0n,
  data: Buffer.from('soak'),
};

/** The storage behind `EPHEMERAL_VOLUME`. */
export const ephemeralStorage = {
  driver: 'ephemeral',
  source: 'tmpfs',
  fstype: 'tmpfs',
  options: ['size=1048576'],
  mount_point: EPHEMERAL_VOLUME,
};

/** What happens once in every sandbox: folders that stay, a socket for events of devices, code that is read at its first use. */
export async function warmUp(client: AgentClient, root: string): Promise<void> {
  await client.call('CopyFile', copySharedFile);
  // Waits for a disk that does not come.
  await client.call('AddSwap', { PCIPath: [31] }, { timeoutMs: WARM_UP_MS }).catch(() => undefined);
  const container = await TestContainer.start(client, { root });
  const { status } = await container.execute('exit 7');
  if (status !== 7) throw new Error(`the first exec ended with ${status}`);
  await container.stats();
  await container.remove();
}

/** The holdings once two looks in a row see the same. */
export async function settledHoldings(place: Place): Promise<readonly string[]> {
  let last = await place.holdings();
  return await eventually(async () => {
    const before = last;
    last = await place.holdings();
    const changes = difference(before, last);
    if (changes.length > 0) throw new Error(`the agent does not come to rest: ${changes.join('; ')}`);
    return last;
  }, SETTLE_MS);
}

/** What is not as it was, after the time that closing and dying take. */
export async function residueSince(place: Place, before: readonly string[]): Promise<readonly string[]> {
  let changes: readonly string[] = [];
  try {
    await eventually(async () => {
      changes = difference(before, await place.holdings());
      if (changes.length > 0) throw new Error('not yet');
    }, SETTLE_MS);
  } catch (error) {
    if (changes.length === 0) throw error;
  }
  return changes;
}

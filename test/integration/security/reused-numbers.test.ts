import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useOwnRuntime } from '../../support/own-runtime.ts';
import { quote } from '../../support/oci-runtime.ts';

/**
 * A shell that is the first process of a pid namespace, where numbers can be given out again at will. `taken` starts a bystander under
 * a number that is free; `is_there` tells whether it still lives.
 */
const PRELUDE = `
  taken() {
    for attempt in $(seq 200); do
      echo $(($1 - 1)) > /proc/sys/kernel/ns_last_pid
      sleep 300 & [ $! = $1 ] && return 0
      kill $!
    done
    echo "number $1 was not to be had"; exit 1
  }
  is_there() { grep -q '^State:.[SR]' /proc/$1/status; }
  field() { sed -n 's/.*"'$1'": *\\([0-9]*\\).*/\\1/p' | head -n 1; }
  # Orphans end as our children.
  gone() { while [ -e /proc/$1 ]; do wait -n 2>/dev/null; sleep 0.02; done; }
`;

describe('process numbers that come again', () => {
  const fixture = useOwnRuntime();

  /** Runs a script in a pid namespace of its own; `oci` is the runtime, `$id` a container that runs. */
  async function inNamespace(script: string): Promise<string> {
    const { runtime, machine } = fixture;
    const container = await runtime.prepare('sleep 300');
    const file = join(container.bundle.path, 'script');
    const oci = [...runtime.argv, '--root', runtime.stateFolder].map(quote).join(' ');
    const begin = `oci() { ${oci} "$@"; }; id=${container.id}
      oci run --detach --bundle ${container.bundle.path} $id </dev/null >/dev/null 2>&1 || exit 9
      pid=$(oci state $id | field pid)`;
    writeFileSync(file, `${PRELUDE}\n${begin}\n${script}\necho end`);
    const command = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', 'bash', file];
    const { stdout, stderr, status } = await machine.command(command);
    expect(status, `${stdout}${stderr}`).toBe(0);
    expect(stdout).toMatch(/end\n$/);
    return stdout;
  }

  it('LIV-04 EXE-06 a bystander with the number of a dead init is neither joined, signalled nor counted', async () => {
    const text = await inNamespace(`
      kill -9 $pid; gone $pid; taken $pid
      oci state $id | grep '"status"'
      oci exec $id true 2>&1 && echo joined
      oci kill $id TERM 2>/dev/null; oci kill --all $id KILL 2>/dev/null; oci kill $id 0 2>/dev/null
      oci pause $id 2>/dev/null && echo paused
      oci start $id 2>/dev/null && echo started
      oci ps $id 2>/dev/null | grep -w $pid
      is_there $pid && echo alive
      oci delete $id; is_there $pid && echo still alive`);
    expect(text).toContain('stopped');
    expect(text).toContain('stopped container');
    expect(text).not.toMatch(/joined|paused|started|running/);
    expect(text).toContain('\nalive\nstill alive\n');
  });

  it('LIV-04 deleting by force leaves the bystander alone', async () => {
    const text = await inNamespace(`
      kill -9 $pid; gone $pid; taken $pid
      oci delete --force $id && is_there $pid && echo alive`);
    expect(text).toContain('alive');
  });

  it('LIV-04 a deleted container does not come back with the number of its init', async () => {
    const text = await inNamespace(`
      kill -9 $pid; gone $pid; oci delete $id; taken $pid
      oci state $id >/dev/null 2>&1 && echo known
      is_there $pid && echo alive`);
    expect(text).not.toContain('known');
    expect(text).toContain('alive');
  });

  it('EXE-06 an exec joins what was recorded, not what /proc shows under the number now', async () => {
    const text = await inNamespace(`
      before=$(readlink /proc/$pid/ns/mnt)
      oci exec $id readlink /proc/self/ns/mnt | grep -qF "$before" && echo same
      state=$(echo "${fixture.runtime.stateFolder}"/$id/state.json)
      # Whoever may write there may do anything; a state that lies about its init is still not followed.
      sed -i "s/\\"pid\\": *$pid\\b/\\"pid\\":1/" "$state"
      oci exec $id true && echo joined 1
      sed -i "s/\\"pid\\": *1\\b/\\"pid\\":$pid/" "$state"
      oci delete --force $id`);
    expect(text).toContain('same');
    expect(text).not.toContain('joined 1');
  });
});

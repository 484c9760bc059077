import { describe, expect, it } from 'vitest';
import { neverAborted } from '../../../../agent/src/base/abort.ts';
import { injectCdi } from '../../../../agent/src/sandbox/devices/inject-cdi.ts';
import { sampleSpec } from '../../oci/sample-spec.ts';
import { FakeKernelFiles } from '../../guest/fake-kernel-files.ts';

const document = (kind: string, ...names: readonly string[]): string =>
  JSON.stringify({
    cdiVersion: '0.6.0',
    kind,
    containerEdits: { env: [`ALL_${kind.split('/')[1]}=1`] },
    devices: names.map((name) => ({ name, containerEdits: { env: [`D_${name}=${kind}`] } })),
  });

/** The variables that a container got. `steps` are done at each sleep. */
async function inject(
  annotations: Record<string, string>,
  files: FakeKernelFiles,
  options: { timeoutMs?: number; env?: readonly string[]; steps?: (() => void)[] } = {},
): Promise<{ env: readonly string[]; sleeps: number }> {
  let sleeps = 0;
  const plain = sampleSpec();
  const spec = {
    ...plain,
    annotations: new Map(Object.entries(annotations)),
    process: { ...plain.process, env: options.env ?? [] },
  };
  const edited = await injectCdi(spec, {
    files,
    timeoutMs: options.timeoutMs ?? 3000,
    readsEnvironment: options.env !== undefined,
    sleep: async () => options.steps?.[sleeps++]?.(),
    signal: neverAborted,
  });
  return { env: edited.process.env, sleeps };
}

const wanted = { 'cdi.k8s.io/x': 'v.com/gpu=0,v.com/gpu=1' };

describe('injectCdi()', () => {
  it('applies a document once and its devices each', async () => {
    const files = new FakeKernelFiles({ '/var/run/cdi/a.json': document('v.com/gpu', '0', '1', '2') });
    expect((await inject(wanted, files)).env).toEqual(['ALL_gpu=1', 'D_0=v.com/gpu', 'D_1=v.com/gpu']);
  });

  it('reads the environment only when told to', async () => {
    const files = new FakeKernelFiles({ '/var/run/cdi/a.json': document('v.com/gpu', '0', 'all') });
    expect((await inject({}, files, { env: ['VISIBLE_CDI_DEVICES=v.com/gpu=all'] })).env).toContain('D_all=v.com/gpu');
    expect((await inject({}, files)).env).toEqual([]);
  });

  it('leaves the container of the pod alone', async () => {
    const pod = { ...wanted, 'io.katacontainers.pkg.oci.container_type': 'pod_sandbox' };
    expect(await inject(pod, new FakeKernelFiles())).toEqual({ env: [], sleeps: 0 });
  });

  it('waits for a kind that is described later, also while its file is being written', async () => {
    const files = new FakeKernelFiles({ '/var/run/cdi/readme.txt': 'no document' });
    const text = document('v.com/gpu', '0', '1');
    const steps = [
      () => void files.files.set('/var/run/cdi/a.json', text.slice(0, 40)),
      () => void files.files.set('/var/run/cdi/a.json', text),
    ];
    expect(await inject(wanted, files, { steps })).toMatchObject({ sleeps: 2 });
  });

  it('fails at once when the kind is described without the device', async () => {
    const files = new FakeKernelFiles({ '/var/run/cdi/a.json': document('v.com/gpu', '0') });
    await expect(inject(wanted, files)).rejects.toThrow('v.com/gpu=1 do not exist in /var/run/cdi/a.json');
  });

  it('looks once more than it has seconds, then names what is missing and what could not be read', async () => {
    const files = new FakeKernelFiles({ '/var/run/cdi/broken.yaml': 'a: &b c' });
    const failed = inject(wanted, files, { timeoutMs: 2000 });
    await expect(failed).rejects.toThrow(
      /failed to inject devices after CDI timeout: no description of v\.com\/gpu=0, v\.com\/gpu=1.*broken\.yaml.*line 1/,
    );
  });

  it('refuses a device that two documents describe', async () => {
    const text = document('v.com/gpu', '0', '1');
    const files = new FakeKernelFiles({ '/var/run/cdi/a.json': text, '/var/run/cdi/b.json': text });
    await expect(inject(wanted, files)).rejects.toThrow('is described by /var/run/cdi/a.json and /var/run/cdi/b.json');
  });
});

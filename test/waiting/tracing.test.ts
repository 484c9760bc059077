import { describe, expect, it } from 'vitest';
import type { AgentClient } from '../../host/client/agent-client.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { eventually, within } from '../support/eventually.ts';
import { parsePrometheus } from '../support/metrics/parse-prometheus.ts';
import { Collector } from '../support/trace/collector.ts';
import { hostTools } from '../support/vm/guest-assets.ts';
import { TestVm } from '../support/vm/test-vm.ts';
import { SANDBOX_STORAGES } from '../support/vm/vm-fixture.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
/** Longest time that a request may take while nobody takes spans; a guest without hardware help answers in a few ms. */
const ANSWER_MS = 20_000;
/** Requests under way together. */
const AT_ONCE = 32;
const METRIC = 'kihon_agent_trace_spans';

async function spanCounts(client: AgentClient): Promise<{ sent: number; dropped: number } | undefined> {
  const { metrics } = await client.call('GetMetrics', {});
  const family = parsePrometheus(metrics).get(METRIC);
  if (family === undefined) return undefined;
  const value = (item: string): number => family.samples.get(`{item="${item}"}`)?.value ?? NaN;
  return { sent: value('sent'), dropped: value('dropped') };
}

function traceparent(span: number): { metadata: { key: string; value: string }[] } {
  const value = `00-${TRACE_ID}-${span.toString(16).padStart(16, '0')}-01`;
  return { metadata: [{ key: 'traceparent', value }] };
}

// The collector of these tests stands where a hybrid vsock ends.
const isHybrid = (await hostTools('x86_64').catch(() => undefined))?.vsock.kind === 'vhost-user';

describe.skipIf(!isHybrid)('tracing', { timeout: 240_000 }, () => {
  it('tells a collector of every request, whose child it is, and of the end', async () => {
    await using vm = await TestVm.boot({ kernelParameters: ['agent.trace=true'] });
    await using collector = await Collector.start(vm);
    const client = await vm.connect();
    await client.check();
    await client.call('CreateSandbox', { sandbox_id: 'pod', storages: SANDBOX_STORAGES }, traceparent(0x11));
    const outcome = await TestContainer.run(client, { root: vm.root, run: 'echo hello' });
    expect(outcome).toMatchObject({ status: 0, stdout: 'hello\n' });
    await expect(client.call('StartContainer', { container_id: 'nobody' }, traceparent(0x22))).rejects.toThrow();
    await client.call('GetMetrics', {}, { metadata: [{ key: 'traceparent', value: 'nonsense' }] });
    const unsampled = traceparent(0x33).metadata.map(({ key, value }) => ({ key, value: value.replace(/01$/, '00') }));
    await client.call('ListInterfaces', {}, { metadata: unsampled });

    const create = await collector.find('create_sandbox', ({ name }) => name === 'create_sandbox');
    expect(create.parent_span_id).toBe(0x11n);
    expect(create.span_context).toMatchObject({ trace_id: BigInt(`0x${TRACE_ID}`), trace_flags: 1n });
    expect(create.attributes.map).toMatchObject({ mod: { String: 'rpc.rs' } });
    expect(create.attributes.map['req']?.['String']).toContain('CreateSandbox { ');
    expect(create).toMatchObject({ span_kind: 'Internal', status_code: 'Unset' });
    const failed = await collector.find('the failed start', ({ parent_span_id }) => parent_span_id === 0x22n);
    expect(failed).toMatchObject({ name: 'start_container', status_code: 'Error' });
    expect(failed.status_message).toContain('nobody');
    await collector.find('get_metrics', ({ name }) => name === 'get_metrics');

    await vm.powerOff();
    const root = await collector.find('root-span', ({ name }) => name === 'root-span');
    expect(root.parent_span_id).toBe(0n);
    const { spans } = collector;
    const ownTrace = spans.filter(({ span_context }) => span_context.trace_id === root.span_context.trace_id);
    expect(new Set(ownTrace.map(({ parent_span_id }) => parent_span_id))).toEqual(
      new Set([0n, root.span_context.span_id]),
    );
    const names = new Set(spans.map(({ name }) => name));
    for (const name of ['create_container', 'start_container', 'wait_process', 'remove_container', 'destroy_sandbox'])
      expect(names).toContain(name);
    for (const name of ['check', 'read_stdout', 'write_stdin', 'list_interfaces']) expect(names).not.toContain(name);
    expect(new Set(spans.map(({ span_context }) => span_context.span_id)).size).toBe(spans.length);
    for (const { start_time, end_time } of spans)
      expect(end_time.secs_since_epoch >= start_time.secs_since_epoch).toBe(true);
    expect(collector.connections).toBe(1);
  });

  it('costs no request anything when the collector is missing, hangs, goes and comes back', async () => {
    await using vm = await TestVm.boot({ kernelParameters: ['agent.trace', 'agent.log=error'] });
    const client = await vm.connect();
    const work = async (count: number): Promise<void> => {
      const call = () => within(ANSWER_MS, 'a request', client.call('GetGuestDetails', {}));
      for (let done = 0; done < count; done += AT_ONCE)
        await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - done) }, call));
    };
    // Nobody listens.
    await work(520);
    await eventually(async () => expect((await spanCounts(client))?.dropped).toBeGreaterThan(500), 30_000);
    expect(vm.console).toContain('no collector of spans');
    // It comes.
    await using collector = await Collector.start(vm);
    await work(5);
    await collector.find('get_guest_details', ({ name }) => name === 'get_guest_details');
    expect((await spanCounts(client))?.sent).toBeGreaterThan(0);
    // It hangs: buffers fill, then spans are dropped, and requests are answered as before.
    collector.hang();
    await work(1200);
    await collector.find('anything', () => true);
    await client.check();
    // It reads on.
    collector.resume();
    await work(1);
    const before = collector.spans.length;
    await eventually(() => expect(collector.spans.length).toBeGreaterThan(before), 40_000);
    // It goes, and another one comes.
    await collector.close();
    await work(520);
    await collector.open();
    const connections = collector.connections;
    await eventually(async () => {
      await work(1);
      expect(collector.connections).toBeGreaterThan(connections);
    }, 40_000);
    await vm.powerOff();
    await collector.find('root-span', ({ name }) => name === 'root-span');
  });

  it('is off by default: no connection, no metric', async () => {
    await using vm = await TestVm.boot();
    await using collector = await Collector.start(vm);
    const client = await vm.connect();
    await client.call('GetGuestDetails', {}, traceparent(0x11));
    expect(await spanCounts(client)).toBeUndefined();
    await vm.powerOff();
    expect(collector.connections).toBe(0);
  });
});

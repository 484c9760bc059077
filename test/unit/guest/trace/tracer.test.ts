import { beforeEach, describe, expect, it } from 'vitest';
import { describeRequest } from '../../../../agent/src/guest/trace/describe-request.ts';
import { Tracer } from '../../../../agent/src/guest/trace/tracer.ts';
import { SpanStream } from '../../../support/trace/span-stream.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('the tracer', () => {
  let stream: SpanStream;
  let tracer: Tracer;
  let sec: bigint;
  let random: number;

  beforeEach(() => {
    stream = new SpanStream();
    sec = 100n;
    random = 0;
    tracer = new Tracer({
      now: () => ({ sec, nsec: 5 }),
      randomBytes: (length) => new Uint8Array(length).fill((random += 1)),
      export: (frame) => stream.push(frame),
    });
  });

  const request = (method: string, metadata: Record<string, string[]> = {}, fields: object = {}) =>
    tracer.begin(method, fields, (key) => metadata[key] ?? []);

  it('gives a request without context the root span for a parent', () => {
    const span = request('GetMetrics');
    sec = 101n;
    span?.end();
    tracer.end();
    const [metrics, root] = stream.spans;
    expect(metrics?.name).toBe('get_metrics');
    expect(root).toMatchObject({ name: 'root-span', parent_span_id: 0n });
    expect(metrics?.parent_span_id).toBe(root?.span_context.span_id);
    expect(metrics?.span_context.trace_id).toBe(root?.span_context.trace_id);
    expect([metrics?.start_time.secs_since_epoch, metrics?.end_time.secs_since_epoch]).toEqual([100n, 101n]);
    expect(metrics?.attributes.map).toEqual({ mod: { String: 'rpc.rs' }, req: { String: 'GetMetrics' } });
  });

  it('goes on with the trace of the caller', () => {
    request('GetMetrics', { traceparent: [PARENT], tracestate: ['a=1', 'b=2'] })?.end();
    expect(stream.spans[0]).toMatchObject({
      parent_span_id: 0xb7ad6b7169203331n,
      span_context: {
        trace_id: 0x0af7651916cd43dd8448eb211c80319cn,
        trace_flags: 1n,
        is_remote: false,
        trace_state: [
          ['a', '1'],
          ['b', '2'],
        ],
      },
    });
  });

  it('records nothing of a trace that the caller does not record', () => {
    expect(request('GetMetrics', { traceparent: [PARENT.replace(/01$/, '00')] })).toBeUndefined();
  });

  it('takes two contexts for none', () => {
    request('GetMetrics', { traceparent: [PARENT, PARENT] })?.end();
    tracer.end();
    expect(stream.spans[0]?.parent_span_id).toBe(stream.spans[1]?.span_context.span_id);
  });

  it('says why a request failed, once', () => {
    const span = request('StartContainer');
    span?.end('not found');
    span?.end();
    expect(stream.spans).toHaveLength(1);
    expect(stream.spans[0]).toMatchObject({ status_code: 'Error', status_message: 'not found' });
  });

  it('never ends a span before it began, when somebody sets the clock back', () => {
    const span = request('SetGuestDateTime');
    sec = 1n;
    span?.end();
    expect(stream.spans[0]?.end_time.secs_since_epoch).toBe(100n);
  });

  it('ends its root span once', () => {
    tracer.end();
    tracer.end();
    expect(stream.spans).toHaveLength(1);
  });
});

describe('describeRequest()', () => {
  it('shows plain fields, and of everything else only that it is there', () => {
    const request = {
      container_id: 'c1',
      exec_id: '',
      signal: 9,
      size: 1n << 60n,
      data: new Uint8Array(5),
      storages: [{ source: 'secret' }],
      devices: [],
      OCI: { Process: { Env: ['PASSWORD=secret'] } },
      labels: new Map([['a', 'secret']]),
      policy: 'x'.repeat(129),
      absent: undefined,
    };
    expect(describeRequest('CreateContainer', request)).toBe(
      'CreateContainer { container_id: "c1", signal: 9, size: 1152921504606846976, data: <5 bytes>, storages: [1], OCI: {..}, ' +
        'labels: {1}, policy: <129 characters> }',
    );
  });

  it('has an end', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`field${index}`, 'x'.repeat(100)]));
    expect(describeRequest('X', many).length).toBeLessThan(1100);
  });
});

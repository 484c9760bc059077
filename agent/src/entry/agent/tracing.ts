import type { Logger } from '../../base/log.ts';
import type { MetricFamily } from '../../codec/prometheus-text.ts';
import type { RequestTracer } from '../../guest/trace/request-tracer.ts';
import { SpanExporter } from '../../guest/trace/span-exporter.ts';
import { Tracer } from '../../guest/trace/tracer.ts';
import { openSpanChannel } from '../../guest/trace/vsock-span-channel.ts';
import { item, itemGauge } from '../../guest/metrics/family.ts';
import type { EventLoop } from '../../sys/loop.ts';
import { randomBytes, wallClock } from '../../sys/system.ts';

/** Last spans get this long to leave; the host waits for the guest's end meanwhile. */
const FINISH_MS = 2000;

export interface Tracing {
  readonly tracer: RequestTracer;
  /** What became of the spans. */
  families(): MetricFamily[];
  /** Sends what is left and calls back, soon in any case. */
  finish(onDone: () => void): void;
}

/** Spans of requests to a collector on the host; read only when tracing is on. */
export function startTracing(loop: EventLoop, parent: Logger): Tracing {
  const log = parent.child('vsock-tracer');
  const exporter = new SpanExporter({
    connect: (events) => openSpanChannel(loop, events),
    setTimer: (delayMs, onExpiry) => {
      const timer = loop.setTimer(delayMs, onExpiry);
      return () => timer.cancel();
    },
    nowMs: () => loop.now(),
    log,
  });
  const tracer = new Tracer({ now: wallClock, randomBytes, export: (frame) => exporter.add(frame) });
  log.info('requests are traced');
  return {
    tracer,
    families: () => {
      const { sent, dropped } = exporter.counts;
      return [
        itemGauge('kihon_agent_trace_spans', 'Spans of requests that were sent, and that were lost.', [
          item('dropped', dropped),
          item('sent', sent),
        ]),
      ];
    },
    finish: (onDone) => {
      tracer.end();
      exporter.finish(FINISH_MS, onDone);
    },
  };
}

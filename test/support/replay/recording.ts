import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MethodCodec } from '../../../agent/src/codec/protobuf/service-registry.ts';
import { RequestEnvelope, ResponseEnvelope } from '../../../agent/src/codec/ttrpc/envelope.ts';
import { services } from '../../../proto/gen/services.js';
import { repository } from '../repository.ts';

/** A request as Kata's host sent it. */
export interface RecordedRequest {
  readonly kind: 'request';
  readonly streamId: number;
  readonly service: string;
  readonly method: string;
  readonly codec: MethodCodec;
  readonly message: Readonly<Record<string, unknown>>;
  readonly frame: Buffer;
  /** Milliseconds since the event before it. */
  readonly pauseMs: number;
}

/** An answer as Kata's own agent gave it. */
export interface RecordedAnswer {
  readonly kind: 'answer';
  readonly streamId: number;
  readonly request: RecordedRequest;
  readonly code: number;
  readonly text: string;
  readonly message: Readonly<Record<string, unknown>>;
}

export type RecordedEvent = RecordedRequest | RecordedAnswer;

interface Line {
  readonly t: number;
  readonly dir?: string;
  readonly frame?: string;
}

const HEADER = 10;

/** Reads a recorded conversation of `test/conformance/captures`, in order. */
export function readRecording(name: string): RecordedEvent[] {
  const path = join(repository, 'test/conformance/captures', `${name}.jsonl`);
  const requests = new Map<number, RecordedRequest>();
  const events: RecordedEvent[] = [];
  let lastMs = Infinity;
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    if (text === '') continue;
    const line = JSON.parse(text) as Line;
    if (line.frame === undefined) continue;
    const frame = Buffer.from(line.frame, 'base64');
    const streamId = frame.readUInt32BE(4);
    const body = frame.subarray(HEADER);
    const pauseMs = Math.max(0, line.t - lastMs);
    lastMs = line.t;
    if (line.dir === 'host->agent') {
      const { service, method, payload } = RequestEnvelope.decode(body);
      const codec = services.find(service, method);
      if (codec === undefined) throw new Error(`${path}: unknown method ${service}/${method}`);
      const message = { ...codec.request.decode(payload) };
      const request: RecordedRequest = { kind: 'request', streamId, service, method, codec, message, frame, pauseMs };
      requests.set(streamId, request);
      events.push(request);
    } else {
      const request = requests.get(streamId);
      if (request === undefined) throw new Error(`${path}: answer without request on stream ${streamId}`);
      const { status, payload } = ResponseEnvelope.decode(body);
      const message = { ...request.codec.response.decode(payload) };
      events.push({ kind: 'answer', streamId, request, code: status?.code ?? 0, text: status?.message ?? '', message });
    }
  }
  return events;
}

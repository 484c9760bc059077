import { MessageCodec } from './message-codec.ts';
import type { Schema } from './schema.ts';

/** A service's methods with the types of their messages. */
export type ServiceShape = Record<string, { readonly request: object; readonly response: object }>;

/** Codecs of one method. */
export interface MethodCodec<Request extends object = object, Response extends object = object> {
  readonly request: MessageCodec<Request>;
  readonly response: MessageCodec<Response>;
}

/**
 * Services by full name, methods by bare name. One text per service, `Name Method:request:response ...` with indices of schema lines;
 * codecs are made when first asked for.
 */
export class ServiceRegistry<Services extends Record<string, ServiceShape>> {
  readonly #schema: Schema;
  readonly #services = new Map<string, Map<string, string | MethodCodec>>();

  constructor(schema: Schema, lines: readonly string[]) {
    this.#schema = schema;
    for (const line of lines) {
      const [service = '', ...methods] = line.split(' ');
      const byName = new Map<string, string | MethodCodec>();
      for (const method of methods) byName.set(method.slice(0, method.indexOf(':')), method);
      this.#services.set(service, byName);
    }
  }

  hasService(service: string): boolean {
    return this.#services.has(service);
  }

  /** Method names of a service, in the order of the .proto file; empty for an unknown service. */
  methods(service: string): string[] {
    return [...(this.#services.get(service)?.keys() ?? [])];
  }

  /** The codecs of a method whose names come from outside; undefined when there is no such method. */
  find(service: string, method: string): MethodCodec | undefined {
    const byName = this.#services.get(service);
    const known = byName?.get(method);
    if (byName === undefined || known === undefined) return undefined;
    if (typeof known !== 'string') return known;
    const [, request, response] = known.split(':');
    const codec: MethodCodec = {
      request: new MessageCodec(this.#schema, Number(request)),
      response: new MessageCodec(this.#schema, Number(response)),
    };
    byName.set(method, codec);
    return codec;
  }

  /** The codecs of a method known at compile time. */
  method<S extends keyof Services & string, M extends keyof Services[S] & string>(
    service: S,
    method: M,
  ): MethodCodec<Services[S][M]['request'], Services[S][M]['response']> {
    const codec = this.find(service, method);
    if (codec === undefined) throw new RangeError(`no method ${service}/${method}`);
    return codec;
  }
}

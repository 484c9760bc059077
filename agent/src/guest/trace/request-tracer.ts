/** What the API needs of tracing. There is none while tracing is off. */
export interface RequestTracer {
  /**
   * A span that begins now; undefined when this request has none.
   *
   * @param metadata values of a metadata key of the request, in order.
   */
  begin(method: string, request: object, metadata: (key: string) => readonly string[]): RequestSpan | undefined;
}

export interface RequestSpan {
  /** Ends the span; `failure` is the text of the status when the request failed. Never throws and never waits. */
  end(failure?: string): void;
}

/** What a monitor asks of the guest. */
export interface MetricsServices {
  /** Numbers about the agent and the guest, in the text format of Prometheus. */
  collect(): Promise<string>;
}

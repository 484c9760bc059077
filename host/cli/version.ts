/** Version of the host command; the agent reports the Kata version that it stands in for. */
export const VERSION = '0.1.0';

/** The version of Kata's agent whose behaviour this one has; hosts compare and print it. */
export const AGENT_VERSION = '4.1.0';
/** Version of the API. */
export const API_VERSION = '0.0.1';

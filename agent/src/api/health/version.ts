import type { HealthHandler } from '../handler.ts';
import { AGENT_VERSION, API_VERSION } from '../version.ts';

/** Health/Version. */
export const version: HealthHandler<'Version'> = () => ({ agent_version: AGENT_VERSION, grpc_version: API_VERSION });

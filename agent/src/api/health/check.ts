import type { HealthHandler } from '../handler.ts';

/** SERVING of health.proto. */
const SERVING = 1;

/** Health/Check: always SERVING; that it is answered at all is the news. */
export const check: HealthHandler<'Check'> = () => ({ status: SERVING });

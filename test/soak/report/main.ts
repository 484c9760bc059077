/**
 * One report from the JSON documents of several runs (`make soak SOAK='--json NAME' > FILE`), and their drawings:
 *
 *     npx tsx test/soak/report/main.ts FOLDER FILE...
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Outcome } from '../run-scenario.ts';
import { formatOutcomes } from './outcome-tables.ts';
import { writeCharts } from './write-charts.ts';

const [folder, ...files] = process.argv.slice(2);
if (folder === undefined || files.length === 0)
  throw new Error('usage: npx tsx test/soak/report/main.ts FOLDER FILE...');
const outcomes = files.flatMap(
  (file) => (JSON.parse(readFileSync(file, 'utf8')) as { readonly outcomes: readonly Outcome[] }).outcomes,
);
const charts = writeCharts(folder, outcomes).map((file) => relative(process.cwd(), file));
process.stdout.write(formatOutcomes(outcomes, charts));

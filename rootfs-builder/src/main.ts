#!/usr/bin/env -S npx tsx
import { runBuilder } from './cli/run-builder.ts';

process.exitCode = await runBuilder(process.argv.slice(2));

/** Writes the table of docs/security.md: `npx tsx test/support/security/main.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../repository.ts';
import { findSecurityTests, formatSecurityTable } from './find-tests.ts';

const file = join(repository, 'docs/security.md');
const table = /^\| Case \|[^]*$/m;
writeFileSync(file, `${readFileSync(file, 'utf8').replace(table, formatSecurityTable(findSecurityTests()))}\n`);

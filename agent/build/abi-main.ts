/** `npx tsx agent/build/abi-main.ts [ARCH]`: generates the ABI modules. */
import { join } from 'node:path';
import { archByName } from './arch.ts';
import { generateAbi } from './generate-abi.ts';

generateAbi(archByName(process.argv[2] ?? 'x86_64'), join(import.meta.dirname, '../src/abi/generated'));

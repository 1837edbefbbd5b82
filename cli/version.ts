// The version of this build, from package.json.

import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');

/** Version, such as 0.1.0. */
export const VERSION: string = String((JSON.parse(text) as { version: unknown }).version);

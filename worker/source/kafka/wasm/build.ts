// Compiles crc32c.as (AssemblyScript) to ../generated/crc32c-wasm.ts. Run by `node worker/source/kafka/wasm/build.ts`
// after a change; a test compares the committed file with a fresh build.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

const SOURCE = new URL('./crc32c.as', import.meta.url);
const TARGET = new URL('../generated/crc32c-wasm.ts', import.meta.url);

/** The text of the generated file. @throws Error with the compiler's messages */
export async function buildCrc32c(): Promise<string> {
  let wasm: Uint8Array = new Uint8Array();
  // The compiler wants its own extension; the file has another so that TypeScript's tools leave it alone.
  const options = [
    'crc32c.ts',
    '--outFile',
    'out.wasm',
    '--runtime',
    'stub',
    '-O3',
    '--noAssert',
    '--converge',
  ];
  const { error } = await main(options, {
    readFile: (name) => (name === 'crc32c.ts' ? readFileSync(SOURCE, 'utf8') : null),
    writeFile: (_name, contents) =>
      void (wasm = typeof contents === 'string' ? Buffer.from(contents) : contents),
    listFiles: () => [],
  });
  if (error !== null) throw new Error(`${error.message}`);
  const base64 = Buffer.from(wasm).toString('base64');
  return `// Generated from ../wasm/crc32c.as by ../wasm/build.ts; do not edit.\n\n/** The module, base64. */\nexport const CRC32C_WASM: string =\n  '${base64}';\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TARGET, await buildCrc32c());

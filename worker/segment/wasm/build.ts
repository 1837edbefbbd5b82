// Compiles lz4.as to the text of ../generated/lz4.ts. Called by the generate command and by the test that holds
// the committed file equal to its source.

import { readFile } from 'node:fs/promises';
import { Failure } from '../../../core/runtime/failure.ts';

/**
 * The text of `worker/segment/generated/lz4.ts`.
 *
 * @throws Failure `bug` WasmBuildFailed with the compiler's messages
 */
export async function buildLz4Module(): Promise<string> {
  const asc = await import('assemblyscript/asc');
  const source = await readFile(new URL('lz4.as', import.meta.url), 'utf8');
  let binary: Uint8Array | undefined;
  const { error } = await asc.main(
    [
      'lz4.ts',
      '--outFile',
      'lz4.wasm',
      '-O3',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '--noAssert',
      '--initialMemory',
      '32',
    ],
    {
      readFile: (name) => (name === 'lz4.ts' ? source : null),
      writeFile: (name, contents) => {
        if (name === 'lz4.wasm' && typeof contents !== 'string') binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === undefined) {
    throw new Failure('bug', 'WasmBuildFailed', 'lz4.as does not compile; see the cause', error);
  }
  const base64 = Buffer.from(binary).toString('base64');
  return `// Generated from worker/segment/wasm/lz4.as. Do not edit.\n\n/** The compiled module, base64. */\nexport const LZ4_WASM_BASE64: string =\n  '${base64}';\n`;
}

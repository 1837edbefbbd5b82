// Compiles kernel.as to the text of ../generated/kernel.ts. Called by the generate command and by the test that holds
// the committed file equal to its source.

import { readFile } from 'node:fs/promises';
import { Failure } from '../../../core/runtime/failure.ts';

const SOURCES = ['kernel', 'layout', 'lz4-pack', 'lz4-small', 'lz4-unpack', 'numbers'];

/**
 * The text of `worker/segment/generated/kernel.ts`.
 *
 * @throws Failure `bug` WasmBuildFailed with the compiler's messages
 */
export async function buildKernel(): Promise<string> {
  const asc = await import('assemblyscript/asc');
  const sources = new Map<string, string>();
  for (const name of SOURCES)
    sources.set(`${name}.ts`, await readFile(new URL(`${name}.as`, import.meta.url), 'utf8'));
  let binary: Uint8Array | undefined;
  const { error } = await asc.main(
    [
      'kernel.ts',
      '--outFile',
      'kernel.wasm',
      '-O3',
      '--runtime',
      'stub',
      '--enable',
      'simd',
      '--noAssert',
      '--initialMemory',
      '59',
    ],
    {
      readFile: (name) => sources.get(name) ?? null,
      writeFile: (name, contents) => {
        if (name === 'kernel.wasm' && typeof contents !== 'string') binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === undefined) {
    throw new Failure('bug', 'WasmBuildFailed', 'kernel.as does not compile; see the cause', error);
  }
  const base64 = Buffer.from(binary).toString('base64');
  return `// Generated from worker/segment/wasm/*.as. Do not edit.\n\n/** The compiled module, base64. */\nexport const KERNEL_BASE64: string =\n  '${base64}';\n`;
}

#!/usr/bin/env node
// The executable. Plain JavaScript, so that a Node.js too old to read the rest can still say so.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `sluice needs Node.js 22.19 or later, this is ${process.versions.node}. ` +
      'In a checkout run it by npm, which brings Node.js 24 along: npx sluice ..., or npm start. ' +
      'Where npm has no Node.js package for the platform, install Node.js 24.\n',
  );
  process.exit(2);
}
await useCompiledCode();
const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2));

// Later starts take the compiled code from the user's cache folder; where there is none to write, nothing changes.
async function useCompiledCode() {
  const [{ enableCompileCache }, { access, constants }, { homedir }, { join }] = await Promise.all([
    import('node:module'),
    import('node:fs/promises'),
    import('node:os'),
    import('node:path'),
  ]);
  const caches = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  try {
    await access(caches, constants.W_OK);
    enableCompileCache(join(caches, 'sluice', 'compiled'));
  } catch {
    // Only a slower start.
  }
}

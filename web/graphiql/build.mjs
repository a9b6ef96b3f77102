// Bundles the page with GraphiQL and React into schema/asgi/static, with the licences of all that is in it.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, '..', '..', 'schema', 'asgi', 'static');

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: { graphiql: 'page.jsx' },
  outdir: target,
  bundle: true,
  minify: true,
  jsx: 'automatic',
  target: 'es2020',
  charset: 'utf8',
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.woff': 'dataurl', '.woff2': 'dataurl', '.ttf': 'dataurl', '.svg': 'dataurl' },
  legalComments: 'none',
  metafile: true,
});

const packages = new Set();
for (const input of Object.keys(metafile.inputs)) {
  const found = input.match(/.*node_modules\/((?:@[^/]+\/)?[^/]+)\//);
  if (found) packages.add(found[0]);
}

const parts = [];
for (const folder of [...packages].sort()) {
  const { name, version, license } = JSON.parse(await readFile(join(here, folder, 'package.json'), 'utf8'));
  const file = (await readdir(join(here, folder))).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? await readFile(join(here, folder, file), 'utf8') : `Licence: ${license}\n`;
  parts.push(`${name} ${version}\n${'='.repeat(`${name} ${version}`.length)}\n\n${text.trim()}\n`);
}
await writeFile(join(target, 'LICENSES.txt'), parts.join('\n\n'));

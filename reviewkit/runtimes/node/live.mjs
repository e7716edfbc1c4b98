// Live components: bundles one for a browser, with React, into a whole document that asks no address for anything.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDecorating } from './metadata.mjs';

const FRAME = fileURLToPath(new URL('./frame.mjs', import.meta.url));
const STYLE = ':root { color-scheme: light } html { background: #fff; color: #1b1f24 } body { margin: 8px; font: 14px/1.4 system-ui, sans-serif } '
  + '#fault { margin: 8px 0 0; padding: 8px; border-left: 4px solid #c62828; white-space: pre-wrap; font: 12px/1.4 ui-monospace, monospace }';

/** What a frame may do: run the one script that is in it, and show what this brings along. */
const policy = (script) => [
  "default-src 'none'", `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`, "style-src 'unsafe-inline'",
  'img-src data: blob:', 'font-src data:', 'media-src data: blob:', "base-uri 'none'", "form-action 'none'",
].join('; ');

/**
 * The document that shows a component. Throws what esbuild throws.
 * @param {{ code: string, file: string, root: string, name: string, loader: string }} request a cell, or a file of the workspace where `file` names one
 * @returns {Promise<string>} HTML
 */
export async function page(esbuild, acorn, decorators, modules, { code, file, root, name, loader }) {
  const cell = file ? '' : await withValue(esbuild, acorn, decorators, { code, root, name, loader });
  const shown = {
    name: 'shown',
    setup(build) {
      build.onResolve({ filter: /^reviewkit:shown$/ }, () => (file ? { path: path.join(root, file) } : { path: name, namespace: 'cell' }));
      build.onLoad({ filter: /.*/, namespace: 'cell' }, () => ({ contents: cell, loader: 'js', resolveDir: root }));
    },
  };
  const result = await esbuild.build({
    entryPoints: [FRAME], plugins: [shown, decorators.plugin(root)], absWorkingDir: root, nodePaths: [modules], outdir: root, write: false, bundle: true, minify: true,
    keepNames: true, charset: 'utf8', legalComments: 'none', platform: 'browser', format: 'iife', target: 'es2022', jsx: 'automatic', logLevel: 'silent',
    define: { 'process.env.NODE_ENV': '"production"' }, loader: { '.svg': 'dataurl', '.png': 'dataurl', '.jpg': 'dataurl', '.gif': 'dataurl', '.woff2': 'dataurl' },
  });
  const text = (ending) => result.outputFiles.find((item) => item.path.endsWith(ending))?.text ?? '';
  // esbuild leaves neither outside of texts and patterns, where the first escape changes nothing and the second is the same character.
  const script = text('.js').replace(/<\/(?=script)/gi, '<\\/').replace(/(\\*)<!--/g, (_, before) => `${before.slice(before.length % 2)}\\x3c!--`);
  const style = STYLE + text('.css').replace(/<\/(?=style)/gi, '<\\/');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy(script)}">`
    + `<title>Component</title><style>${style}</style></head><body><div id="root"></div><pre id="fault" role="alert" hidden></pre><script>${script}</script></body></html>`;
}

/** A cell whose last line, if that is a value, is its default export. */
async function withValue(esbuild, acorn, decorators, { code, root, name, loader }) {
  const compiled = await decorators.compiled(code, loader, root, name);
  const written = compiled === null ? { code, loader } : { code: compiled, loader: 'ts' };
  const { code: made } = await esbuild.transform(written.code, { loader: written.loader, sourcefile: path.join(root, name), format: 'esm', jsx: 'automatic', banner: ';', legalComments: 'none', logLevel: 'silent' });
  const { body } = acorn.parse(made, { ecmaVersion: 'latest', sourceType: 'module' });
  const last = body.findLast((node) => node.type !== 'ExportNamedDeclaration');
  if (last?.type !== 'ExpressionStatement' || last.directive !== undefined || isDecorating(last.expression)) return made;
  const { start, end } = last.expression;
  return `${made.slice(0, start)}export default (${made.slice(start, end)})${made.slice(end)}`;
}

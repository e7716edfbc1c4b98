// Bundles the packages that trees with JSX may import into a few files, and keeps their compiled code: `node kit.mjs MODULES FOLDER`.
//
// A guest starts for each check; hundreds of small files and half a second of compiling would be most of what it does. Compiled code
// is of use to the same Node with the same flags alone, others compile it again.
import { writeFileSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import path from 'node:path';
import { Kit, PARTS } from '../../guest/node/kit.mjs';

const AT_HAND = new Set(['buffer', 'events', 'fs', 'path', 'querystring', 'stream', 'url', 'util', 'vm']);
const SAMPLE = `import { useState, useEffect, useMemo, useRef } from 'react';
interface Props { name: string; onOpen?: (open: boolean) => void }
export function Card<T extends Props>({ name, onOpen }: T): React.ReactElement {
  const [open, setOpen] = useState<boolean>(false);
  const [text, setText] = useState('');
  const field = useRef<HTMLInputElement | null>(null);
  const words = useMemo(() => text.split(' ').filter((word): word is string => word !== ''), [text]);
  useEffect(() => (onOpen?.(open), () => undefined), [open, onOpen]);
  return (
    <section aria-label={name} className={\`card \${open ? 'open' : ''}\`} style={{ color: 'red' }}>
      <label>Find <input ref={field} value={text} onChange={(event) => setText(event.target.value as string)} /></label>
      <button type="button" aria-expanded={open} onClick={() => setOpen((was) => !was)}>{name}</button>
      <ul>{words.map((word) => <li key={word}><img src="x.png" alt="" /> {word}</li>)}</ul>
      {open && <p role="status">{words.length} words</p>}
    </section>
  );
}`;

const [, , modules, folder] = process.argv;
const esbuild = createRequire(path.join(modules, 'reviewkit.cjs'))('esbuild');

/** Modules of Node that take time to load and that most guests never use: each is loaded as something of it is first looked at. */
const late = {
  name: 'late',
  setup(build) {
    const names = builtinModules.filter((name) => !AT_HAND.has(name) && !name.startsWith('_'));
    build.onResolve({ filter: /^[a-z:_/]+$/ }, ({ path: name, namespace }) => {
      if (namespace === 'late') return { path: name, external: true };
      return names.includes(name.replace(/^node:/, '')) ? { path: name, namespace: 'late' } : undefined;
    });
    build.onLoad({ filter: /.*/, namespace: 'late' }, ({ path: name }) => {
      const keys = Object.keys(createRequire(import.meta.url)(name)).map((key) => JSON.stringify(key));
      const getters = keys.map((key) => `get [${key}]() { return (real ??= require(${JSON.stringify(name)}))[${key}]; }`);
      return { contents: `let real; module.exports = { ${getters.join(', ')} };`, loader: 'js' };
    });
  },
};

for (const [part, names] of Object.entries(PARTS)) {
  const entry = names.map((name) => `${JSON.stringify(name)}: () => require(${JSON.stringify(name)})`).join(',\n');
  await esbuild.build({
    stdin: { contents: `module.exports = {\n${entry}\n};`, resolveDir: path.dirname(modules) }, nodePaths: [modules], plugins: [late],
    bundle: true, platform: 'node', format: 'cjs', charset: 'ascii', outfile: path.join(folder, `${part}.cjs`),
    define: { 'process.env.NODE_ENV': '"development"' }, minifyWhitespace: true, legalComments: 'inline', logLevel: 'error',
  });
}

/** Go through what nearly every guest does, so that its functions are among the compiled ones. */
const kit = new Kit(folder);
kit.openDocument();
const [React, { jsx, jsxs }, { act, cleanup, fireEvent, render, within }] =
  ['react', 'react/jsx-runtime', '@testing-library/react'].map((name) => kit.take(name));
const shown = kit.transform(SAMPLE, 'file:///Card.tsx').replace(/^import.*$/gm, '').replace('export function', 'return function');
const { useState, useEffect, useMemo, useRef } = React;
const Card = new Function('_jsx', '_jsxs', 'useState', 'useEffect', 'useMemo', 'useRef', shown)(jsx, jsxs, useState, useEffect, useMemo, useRef);
const view = render(jsx(Card, { name: 'Ada' }));
fireEvent.change(view.getByLabelText('Find'), { target: { value: 'one two' } });
fireEvent.click(view.getByRole('button', { name: 'Ada' }));
await act(async () => {});
within(document.body).getByRole('status');
await kit.take('axe-core').run(document.body);
cleanup();
for (const part of ['kit', 'axe', 'sucrase']) writeFileSync(path.join(folder, `${part}.cache`), kit.compiled(part));
process.exit(0);

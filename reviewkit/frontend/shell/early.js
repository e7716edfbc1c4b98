import { loadCore } from './core.js';

/** What the server wrote into the page for its scripts; null in a page without it. */
export function pageConfig() {
  try {
    return JSON.parse(document.getElementById('jupyter-config-data').textContent);
  } catch {
    return null;
  }
}

/** Contents path of the notebook that an address leads to, in JupyterLab or Notebook 7; null for any other page. */
function pathInAddress(pathname, baseUrl) {
  if (!pathname.startsWith(baseUrl)) return null;
  const found = /^(?:(?:lab|doc)(?:\/workspaces\/[^/]+)?\/tree|notebooks)\/(.+\.ipynb)$/.exec(pathname.slice(baseUrl.length));
  try {
    return found && decodeURIComponent(found[1]);
  } catch {
    return null;
  }
}

/**
 * Grant and record of the notebook in the address, asked for as soon as this script runs: Jupyter then still loads its own
 * scripts, and both are there when the notebook is drawn. What is asked decides nothing; the server does, by the path.
 * @returns {{path: string, answer: Promise<any>}|null} `answer`: as of `Server.grant`, undefined where it is to be asked again
 */
function askEarly() {
  const config = pageConfig();
  const path = config && pathInAddress(location.pathname, config.baseUrl);
  if (path === null) return null;
  const url = new URL(`${config.baseUrl}reviewkit/api/grant?path=${encodeURIComponent(path)}`, location.href);
  const headers = config.token ? { Authorization: `token ${config.token}` } : {};
  const answer = fetch(url, { headers, cache: 'no-store' }).then(async given => {
    if (given.status === 404) return null;
    if (!given.ok) return undefined;
    void loadCore().catch(() => {}); // the first form asks again
    return given.json();
  });
  return { path, answer: answer.catch(() => undefined) };
}

let early = askEarly();

/** What was asked early for this path, once; undefined where it was not. */
export function takeEarly(path) {
  const taken = early?.path === path ? early.answer : undefined;
  early = null;
  return taken;
}

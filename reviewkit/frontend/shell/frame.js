// Container of a prebuilt JupyterLab extension, written by hand: no bundler is needed to install or change it.
(() => {
  'use strict';
  const SCRIPT_URL = document.currentScript.src;
  const CORE_URL = new URL('CORE_FILE', SCRIPT_URL).href;
  let scope = null;

  /** A package that JupyterLab shares: the copy in use, because tokens must be the same objects as JupyterLab's. */
  async function shared(name) {
    const versions = Object.values(scope[name] ?? {});
    if (versions.length === 0) throw new Error(`reviewkit: ${name} is not provided`);
    return (await (versions.find(version => version.loaded) ?? versions[0]).get())();
  }

  /* BODY */

  const modules = {
    './extension': async () => ({ default: await applicationPlugins() }),
    './mimeExtension': async () => ({ default: await rendererPlugin() })
  };
  (window._JUPYTERLAB ??= {}).reviewkit = {
    init(given) {
      scope = given;
    },
    async get(name) {
      const module = await modules[name]();
      Object.defineProperty(module, '__esModule', { value: true });
      return () => module;
    }
  };
})();

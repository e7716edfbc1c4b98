const LOAD = "get_ipython().extension_manager.load_extension('reviewkit.workbook')";

/**
 * Makes `rk` known in the kernel of a granted workbook before its first cell, and again after each restart. The code is ours,
 * never the notebook's, and nothing in a notebook leads here.
 */
export class KernelReady {
  /** @param {any} sessionContext of the notebook panel */
  constructor(sessionContext) {
    this.session = sessionContext;
    this.done = null;
    this.fresh = () => {
      this.done = null;
      this.load();
    };
    this.status = (_, status) => {
      if (status === 'restarting' || status === 'autorestarting') this.done = null;
      else if (status === 'idle') this.load();
    };
    sessionContext.kernelChanged.connect(this.fresh);
    sessionContext.statusChanged.connect(this.status);
    this.load();
  }

  /** Send it once per kernel process; cells that are run afterwards wait behind it. */
  load() {
    const kernel = this.session.session?.kernel;
    if (!kernel || this.done === kernel.id || kernel.name !== 'python3') return;
    this.done = kernel.id;
    kernel.requestExecute({ code: LOAD, silent: true, store_history: false, stop_on_error: false }, true).done.catch(() => {
      this.done = null; // the kernel went away meanwhile; its successor is told again
    });
  }

  dispose() {
    this.session.kernelChanged.disconnect(this.fresh);
    this.session.statusChanged.disconnect(this.status);
  }
}

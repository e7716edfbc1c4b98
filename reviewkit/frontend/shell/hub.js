import { Workbook } from './workbook.js';

/** What both plugins share: one workbook per notebook panel, and the services that the application plugin brings. */
class Hub {
  constructor() {
    this.workbooks = new Map();
    this.waiting = [];
    this.ready = false;
    this.strings = null;
    this.settings = { view: 'unified', singleKeys: true };
    this.focusAfterRun = null;
    this.t = (source, ...values) => this.strings?.__(source, ...values) ?? source;
  }

  /** The workbook of a panel, made on first use. */
  of(panel) {
    let workbook = this.workbooks.get(panel);
    if (!workbook) {
      workbook = new Workbook(panel, this);
      this.workbooks.set(panel, workbook);
      if (this.ready) void workbook.start();
    }
    return workbook;
  }

  /** The application plugin is there: start what forms asked for before. */
  open(services) {
    Object.assign(this, services, { ready: true });
    for (const workbook of this.workbooks.values()) void workbook.start();
  }
}

export const hub = new Hub();

import { Store } from '../core/store.js';
import { localStore } from '../core/outbox.js';
import { loadCore } from './core.js';
import { takeEarly } from './early.js';
import { DeliveryWatch } from './watch.js';
import { KernelReady } from './kernel.js';
import { MendWatch } from './mend.js';
import { Together } from './together.js';
import { saveFile } from '../core/download.js';
import { randomId } from '../core/dom.js';

export const MIME = 'application/vnd.reviewkit.form+json';
const SAVE_MS = 400;
const REFRESH_MS = 300;
const ASK_AGAIN_MS = 3000;
const OWN = 'own';

/**
 * One open notebook: its grant, the store that its forms share, and the copy of the record in its metadata.
 * Nothing in the notebook decides what may be recorded; only the server's grant for its path does.
 */
export class Workbook {
  constructor(panel, hub) {
    this.panel = panel;
    this.hub = hub;
    this.store = new Store(localStore());
    this.grant = null;
    this.mends = null;
    this.watch = null;
    this.together = null; // where the notebook is a shared document
    this.kernel = null;
    this.saveTimer = null;
    this.refreshTimer = null;
    this.saving = null;
    this.mirrored = -1;
    this.forms = new Set();
    this.bar = null; // the line above the notebook, made with the first form
    this.changed = () => this.#mirror();
    this.store.on(this.changed);
    panel.disposed.connect(() => this.dispose());
  }

  /** Begin once the application plugin is there and the notebook is loaded. */
  async start() {
    const { context } = this.panel;
    // Neither waits for the notebook's text: by the time that its forms are drawn, both are there.
    void loadCore().catch(() => {}); // the first form asks again
    const path = context.localPath;
    const asked = takeEarly(path);
    const early = (asked ?? Promise.resolve(undefined)).then(given => given ?? (given === null ? null : this.hub.server.grant(path)));
    early.catch(() => {}); // asked again below
    await context.ready;
    context.pathChanged.connect(() => void this.#bind());
    this.panel.sessionContext.statusChanged.connect((_, status) => status === 'idle' && this.refreshSoon());
    this.seen = () => document.visibilityState === 'visible' && this.refreshSoon();
    document.addEventListener('visibilitychange', this.seen);
    // Another tab of the same record had an operation confirmed.
    this.stored = event =>
      event.newValue === null && event.key?.startsWith(this.store.outbox?.prefix ?? '\0') && this.refreshSoon();
    window.addEventListener('storage', this.stored);
    this.left = event => this.#leave(event);
    this.panel.node.addEventListener('keydown', this.left);
    const granted = await early.catch(() => undefined);
    await this.#bind(context.localPath === path ? granted : undefined);
    if (asked) this.refreshSoon(); // what was asked early may be seconds old
  }

  /** Esc that no form used goes back to the notebook, so that its cells can be reached without a mouse. */
  #leave(event) {
    if (event.key !== 'Escape' || event.defaultPrevented || !event.target.closest?.('.rk-root')) return;
    const { content } = this.panel;
    const at = content.widgets.findIndex(cell => cell.node.contains(event.target));
    if (at < 0) return;
    event.preventDefault();
    content.activeCellIndex = at;
    content.mode = 'command';
    content.activate();
    content.widgets[at].node.focus?.();
    if (document.activeElement?.closest('.rk-root')) content.node.focus();
  }

  get metadata() {
    const value = this.panel.context.model?.getMetadata('reviewkit');
    return value !== null && typeof value === 'object' ? value : {};
  }

  get isOurs() {
    return this.forms.size > 0 || 'slug' in this.metadata;
  }

  /** Ask what may be recorded here, unless the answer (null: nothing) is already known. */
  async #bind(granted = undefined) {
    const { context } = this.panel;
    const events = this.metadata.record?.events ?? [];
    let answer = granted;
    try {
      if (answer === undefined) answer = await this.hub.server.grant(context.localPath);
    } catch {
      if (this.panel.isDisposed) return;
      this.store.readonly(this.hub.t('No answer from the server yet; nothing can be recorded. Trying again…'), events);
      setTimeout(() => this.panel.isDisposed || void this.#bind(), ASK_AGAIN_MS);
      return;
    }
    if (this.panel.isDisposed) return;
    const { view = null, ...grant } = answer ?? {};
    this.grant = answer && grant;
    if (!answer) {
      this.store.readonly(
        this.hub.t(
          'Read only: this notebook was not opened by reviewkit here, so nothing in it is recorded. Open it again from its own link.'
        ),
        events
      );
      return;
    }
    // Kernels of `reviewkit open` know `rk` from their start; those of a server that somebody else runs are told.
    if (grant.terms) this.kernel ??= new KernelReady(this.panel.sessionContext);
    if (grant.preview) return this.store.preview(grant.record);
    this.store.terms = grant.terms ?? null;
    const known = this.metadata.record?.id === grant.record ? events : [];
    if (context.model.collaborative) this.together ??= new Together(this);
    this.mends?.dispose();
    this.mends = new MendWatch(this);
    if (known.length === 0) this.mirrored = 0; // nothing was recorded yet: there is nothing to write into the notebook
    await this.store.live(grant.record, this.hub.server.transport(grant.record), known, view);
    this.#join();
    this.watch?.dispose();
    this.watch = grant.terms?.intake ? new DeliveryWatch(this.store, this.hub.server, grant.record) : null;
    this.#opened();
    this.mends.scan();
  }

  /**
   * Of a shared document, tell the browser in which the candidate began from one that joins later. Who uses it is only what
   * Jupyter calls them.
   */
  #join() {
    const { store, grant } = this;
    if (!this.together || !store.loaded || store.state.submitted) return;
    const key = `reviewkit-page:${grant.record}`;
    const known = store.storage?.getItem(key) ?? (store.state.agreed ? randomId(5) : OWN);
    try {
      store.storage?.setItem(key, known);
    } catch {
      // A browser that keeps nothing joins anew with each page.
    }
    if (known === OWN) return;
    store.page = known;
    const name = this.hub.app.serviceManager?.user?.identity?.display_name ?? '';
    if (!store.state.joined.has(known)) store.op('document.joined', { page: known, name: String(name).slice(0, 80) }, `joined-${known}`);
  }

  /** Note once that the workbook was opened: the clock runs from here, so it waits until the candidate has agreed. */
  #opened() {
    const { store, grant } = this;
    if (store.mode !== 'live' || !store.agreed || store.record !== grant?.record || store.state.opened) return;
    const client = `${this.hub.app.name} ${this.hub.app.version}`;
    // The fixed id makes it one event however many tabs open at once.
    store.op(
      'workbook.opened',
      { slug: grant.slug, version: grant.version, client, ...(grant.files?.length ? { files: grant.files } : {}) },
      `opened-${grant.record}`.slice(0, 80)
    );
  }

  /** Fetch the kernel's events soon; a burst of signals makes one request. */
  refreshSoon() {
    this.refreshTimer ??= setTimeout(() => {
      this.refreshTimer = null;
      void this.store.refresh();
    }, REFRESH_MS);
  }

  /** Copy the record into the notebook and save it; throttled, because a debounce never fires in a burst. */
  #mirror() {
    this.store.clockOffset = this.hub.server?.clockOffset ?? 0;
    if (this.store.terms && this.store.agreed) this.#opened();
    if (this.store.mode !== 'live' || this.store.events.length === this.mirrored) return;
    if (this.store.offline) return; // each try would end in a dialog of Jupyter's; the server's return makes the next
    this.saveTimer ??= setTimeout(() => {
      this.saveTimer = null;
      void this.save();
    }, SAVE_MS);
  }

  #write() {
    const { events } = this.store;
    if (this.store.mode !== 'live' || events.length === this.mirrored) return;
    const { record, slug, version, candidate } = this.grant;
    const head = events.at(-1)?.hash ?? '0'.repeat(64);
    if (this.together) {
      // Another page writes the same copy: one that holds as much is left alone, one that holds more is not cut back.
      const there = this.metadata.record;
      if (there?.id === record && there.count > events.length) return this.refreshSoon();
      if (there?.id === record && there.head === head) {
        this.mirrored = events.length;
        return;
      }
    }
    this.mirrored = events.length;
    const value = {
      ...this.metadata,
      schema: 1,
      slug,
      version,
      record: { id: record, candidate, head, count: events.length, events }
    };
    // A copy: what the model holds must not change with the store.
    this.panel.context.model.setMetadata('reviewkit', JSON.parse(JSON.stringify(value)));
  }

  /**
   * Write the record into the notebook and save the file; one save at a time.
   * @returns {Promise<boolean>} whether it was saved
   */
  async save() {
    while (this.saving) await this.saving;
    if (this.panel.isDisposed) return false;
    this.#write();
    if (this.together) return true; // the server saves a shared document by itself; a page that did would find the file changed
    this.saving = this.panel.context.save().then(
      () => true,
      () => false
    );
    const done = await this.saving;
    this.saving = null;
    if (!done) this.mirrored = -1;
    return done;
  }

  /** Flush, record the submission, write it into the notebook, save; says in one line what happened. */
  async submit() {
    const { t } = this.hub;
    if (this.store.mode === 'preview') {
      this.store.op('workbook.submitted', {});
      return t('Preview: nothing was recorded or submitted.');
    }
    this.mends?.flush();
    this.store.op('workbook.submitted', {});
    const sent = await this.store.settle();
    const saved = await this.save();
    if (sent && this.grant?.terms) return ''; // the form says how it is handed in, as that goes on
    if (sent && saved) return t('Submitted. The notebook file is saved and carries all of your answers.');
    if (sent)
      return t(
        'Submitted and recorded, but the notebook file could not be saved. Save it with Ctrl+S, or download your answers.'
      );
    return t(
      'Not sent yet: your work is kept in this browser and is sent as soon as the server answers. Download your answers to be safe.'
    );
  }

  /** Hand the candidate a file with all that was recorded, and what still waits. */
  download() {
    const events = this.store.events;
    const {
      slug = this.metadata.slug ?? 'workbook',
      version = this.metadata.version ?? '',
      record = this.metadata.record?.id ?? '',
      candidate = ''
    } = this.grant ?? {};
    const waiting = this.store.all().filter(event => !event.seq);
    saveFile(`${slug}-answers.json`, {
      schema: 1,
      slug,
      version,
      record: { id: record, candidate, head: events.at(-1)?.hash ?? '0'.repeat(64), count: events.length, events },
      not_sent: [...waiting, ...this.store.status.parked]
    });
  }

  /** Hand the candidate the completed notebook as a file: the way to hand in without a network. */
  async notebook() {
    await this.save();
    const { slug, record } = this.grant ?? { slug: this.metadata.slug ?? 'workbook', record: '' };
    saveFile(`${slug}-${record}.ipynb`, this.panel.context.model.toJSON());
  }

  /** Try everything again that waits, here and on the way to the intake. */
  retry() {
    void this.watch?.hurry();
    return this.store.retry();
  }

  /** Specifications of all forms that the notebook holds. */
  formSpecs() {
    const specs = [];
    for (const cell of this.panel.content?.model?.cells ?? []) {
      if (cell.type !== 'code') continue;
      for (let at = 0; at < cell.outputs.length; at += 1) {
        const spec = cell.outputs.get(at).data[MIME];
        if (spec !== null && typeof spec === 'object') specs.push(spec);
      }
    }
    return specs;
  }

  /** Whether others can join: the notebook is a shared document. */
  get canJoin() {
    return this.together !== null;
  }

  /** A link with which somebody else has this very notebook open, in a workspace of their own, and what is to be said of it. */
  joinLink() {
    const { baseUrl, token } = this.hub.server.settings;
    const path = this.panel.context.localPath.split('/').map(encodeURIComponent).join('/');
    const place = this.hub.app.name.includes('Notebook') ? `notebooks/${path}` : `doc/workspaces/rk-join-${randomId(6)}/tree/${path}`;
    const link = new URL(place, new URL(baseUrl, location.href));
    if (token) link.searchParams.set('token', token);
    return { link: link.href, guarded: Boolean(token), local: /^(localhost|127\..*|\[::1\])$/.test(link.hostname) };
  }

  /** Open the list of what was recorded, in its form. */
  showRecord() {
    const form = [...this.forms].find(output => output.spec?.form === 'status');
    const list = form?.node.querySelector('.rk-record');
    if (!list) return;
    list.open = true;
    form.node.scrollIntoView({ block: 'nearest' });
    list.querySelector('summary').focus();
  }

  /** Run the cell that shows a form. */
  async run(node) {
    const notebook = this.panel.content;
    const at = notebook.widgets.findIndex(cell => cell.node.contains(node));
    if (at < 0) return;
    this.hub.focusAfterRun = { cell: notebook.widgets[at].model.id, until: Date.now() + 120000 };
    this.kernel?.load();
    notebook.deselectAll();
    notebook.activeCellIndex = at;
    await this.hub.NotebookActions.run(notebook, this.panel.sessionContext);
    await this.store.refresh();
  }

  dispose() {
    clearTimeout(this.saveTimer);
    clearTimeout(this.refreshTimer);
    if (this.seen) document.removeEventListener('visibilitychange', this.seen);
    if (this.stored) window.removeEventListener('storage', this.stored);
    this.mends?.dispose();
    this.watch?.dispose();
    this.together?.dispose();
    this.kernel?.dispose();
    this.bar?.dispose();
    this.store.close();
    this.hub.workbooks.delete(this.panel);
  }
}

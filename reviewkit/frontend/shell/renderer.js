import { loadCore } from './core.js';
import { hub } from './hub.js';
import { MIME } from './workbook.js';
import { Store } from '../core/store.js';

// Below the -10 of ipywidgets: where an output carries both, the form is drawn from its data and needs no kernel.
const RANK = -20;

/** The notebook panel that a widget lies in, or null (a mirrored output, a console). */
function panelOf(widget) {
  for (let at = widget.parent; at; at = at.parent) if (at.context && at.content?.model && at.sessionContext) return at;
  return null;
}

function detached() {
  const store = new Store(null);
  store.readonly(hub.t('Read only: open the notebook itself to work on this form.'), []);
  return {
    store,
    edited: null,
    formSpecs: () => [],
    forms: new Set(),
    save() {},
    download() {},
    submit: async () => '',
    notebook() {},
    retry() {},
    run() {}
  };
}

/** What a form sees of the record. */
function modelOf(workbook, node, spec) {
  const acts = {
    run: () => workbook.run(node),
    save: () => workbook.save(),
    submit: () => workbook.submit(),
    download: () => workbook.download(),
    notebook: () => workbook.notebook(),
    join: () => workbook.joinLink(),
    'show-record': () => workbook.showRecord(),
    retry: () => workbook.retry()
  };
  return {
    get(key) {
      if (key === 'spec') return spec;
      if (key === 'state') return workbook.store.state;
      if (key === 'status') return workbook.store.status;
      if (key === 'events') return workbook.store.all();
      if (key === 'forms') return workbook.formSpecs();
      if (key === 'edited') return workbook.mends?.edited ?? null;
      return undefined;
    },
    on: listener => workbook.store.on(listener),
    off: listener => workbook.store.off(listener),
    op: (kind, data, id) => workbook.store.op(kind, data, id),
    act: name => acts[name]?.(),
    can: name => {
      if (name === 'join') return workbook.canJoin === true;
      return name !== 'run' || (workbook.store.mode !== 'readonly' && workbook.panel !== undefined);
    }
  };
}

/** The plugin that draws outputs of our MIME type. It runs no code of the notebook, so it is `safe` and needs no trust. */
export async function rendererPlugin() {
  const { Widget } = await shared('@lumino/widgets');

  /** The line above the notebook that says how the record stands; in sight in JupyterLab and in Notebook 7, at any width. */
  function putBar(workbook, render) {
    const header = workbook.panel?.contentHeader;
    if (!header || workbook.bar) return;
    const place = new Widget();
    place.addClass('rk-bar-place');
    const minutes = workbook.formSpecs().find(spec => spec.form === 'status')?.minutes;
    const spec = { schema: 1, form: 'bar', minutes: Number.isInteger(minutes) ? minutes : null };
    const form = render({ model: modelOf(workbook, place.node, spec), el: place.node, env: { strings: hub.strings } });
    // Its height depends on the window's width (core.css), which a layout of Lumino looks at only when told.
    const widths = [matchMedia('(max-width: 950px)'), matchMedia('(max-width: 1250px)')];
    const fit = () => header.fit();
    for (const width of widths) width.addEventListener('change', fit);
    workbook.store.on(fit); // whether it says who follows
    place.disposed.connect(() => {
      for (const width of widths) width.removeEventListener('change', fit);
      workbook.store.off(fit);
      form.dispose();
    });
    workbook.bar = place;
    header.addWidget(place);
  }

  class FormOutput extends Widget {
    constructor() {
      super();
      this.addClass('rk-root');
      this.addClass('jp-RenderedReviewkitForm');
      this.spec = null;
      this.form = null;
    }

    async renderModel(model) {
      const spec = model.data[MIME];
      // A redraw with the same data (another client saved) must not throw away what is being written.
      if (this.form && JSON.stringify(spec) === JSON.stringify(this.spec)) return;
      this.spec = spec;
      if (this.isAttached) await this.draw();
    }

    onAfterAttach(message) {
      super.onAfterAttach(message);
      if (!this.form) void this.draw();
    }

    async draw() {
      const { render } = await loadCore();
      if (this.isDisposed || !this.isAttached || this.spec === null) return;
      this.form?.dispose();
      const panel = panelOf(this);
      this.workbook?.forms.delete(this);
      this.workbook = panel ? hub.of(panel) : detached();
      this.workbook.forms.add(this);
      this.node.closest('.jp-CodeCell')?.classList.add('rk-form-cell');
      putBar(this.workbook, render);
      const env = { strings: hub.strings, ...hub.settings, spoken: !this.workbook.bar };
      this.form = render({ model: modelOf(this.workbook, this.node, this.spec), el: this.node, env });
      this.#focusAgain();
    }

    /** Running a cell redraws its form; someone who pressed its button by keyboard must not lose the place. */
    #focusAgain() {
      const asked = hub.focusAfterRun;
      if (!asked || Date.now() > asked.until) return;
      const cell = this.workbook.panel?.content.widgets.find(one => one.node.contains(this.node));
      if (cell?.model.id !== asked.cell) return;
      hub.focusAfterRun = null;
      this.node.querySelector('.rk-primary')?.focus({ preventScroll: true });
    }

    dispose() {
      if (this.isDisposed) return;
      this.form?.dispose();
      this.workbook?.forms.delete(this);
      super.dispose();
    }
  }

  return {
    id: 'reviewkit:renderer',
    description: 'Draws the forms of a code-review workbook.',
    rank: RANK,
    dataType: 'json',
    rendererFactory: { safe: true, mimeTypes: [MIME], defaultRank: RANK, createRenderer: () => new FormOutput() }
  };
}

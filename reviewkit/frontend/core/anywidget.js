import { Refused, Store } from './store.js';
import { localStore } from './outbox.js';
import { render } from './main.js';
import { randomId } from './dom.js';
import { saveFile } from './download.js';
import { asList } from './state.js';

const ANSWER_MS = 15000;

/** One store per record and page, whichever of its forms was drawn first. */
const shelves = new Map();

/** The store of a record with the widgets through which the kernel can be reached. */
class Shelf {
  constructor(record) {
    this.record = record;
    this.models = new Set();
    this.pending = new Map();
    this.store = new Store(localStore());
  }

  add(model) {
    this.models.add(model);
    model.on('msg:custom', message => this.#answered(message));
  }

  #answered(message) {
    const waiting = this.pending.get(message?.id);
    if (!waiting) return;
    this.pending.delete(message.id);
    clearTimeout(waiting.timer);
    if (message.type === 'refused') waiting.reject(new Refused(String(message.message)));
    else if (message.type === 'failed') waiting.reject(new Error(String(message.message)));
    else waiting.resolve(message);
  }

  /** Ask the kernel through the newest widget; a dead one throws, and the store tries again later. */
  ask(question) {
    return new Promise((resolve, reject) => {
      const id = randomId(6);
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new Error('The kernel gave no answer.'));
      }, ANSWER_MS);
      this.pending.set(id, { resolve, reject, timer });
      const model = [...this.models].at(-1);
      if (model) model.send({ ...question, id });
      else reject(new Error('No widget of this record is left.'));
    });
  }

  transport() {
    return {
      load: async after => ({ events: asList((await this.ask({ type: 'load', after })).events) }),
      send: entry => this.ask({ type: 'op', op: entry.op, kind: entry.kind, data: entry.data })
    };
  }
}

function shelfOf(model) {
  const record = model.get('record');
  if (!shelves.has(record)) shelves.set(record, new Shelf(record));
  const shelf = shelves.get(record);
  shelf.add(model);
  return shelf;
}

function begin(shelf, model) {
  const { store } = shelf;
  const mode = model.get('mode');
  if (mode === 'readonly') store.readonly(model.get('message'), model.get('events'));
  else if (mode === 'preview') store.preview(shelf.record);
  else if (store.mode !== 'live') {
    // What the kernel sent along is shown at once; a busy kernel answers only later.
    void store.live(shelf.record, shelf.transport(), []);
    store.adopt(asList(model.get('events')));
  } else void store.refresh();
}

async function submitTo(store) {
  store.op('workbook.submitted', {});
  if (store.mode === 'preview') return 'Preview: nothing was recorded or submitted.';
  return (await store.settle())
    ? 'Submitted and recorded. Save the notebook, and download your answers to keep a copy.'
    : 'Not sent yet: your work is kept in this browser and is sent when the kernel answers. Download your answers to be safe.';
}

function modelFor(shelf, widget) {
  const { store } = shelf;
  const spec = widget.get('spec');
  const acts = {
    retry: () => store.retry(),
    submit: () => submitTo(store),
    download: () =>
      saveFile(`${spec.slug}-answers.json`, {
        schema: 1,
        slug: spec.slug,
        version: spec.version,
        record: { id: shelf.record, events: store.events },
        not_sent: store.all().filter(event => !event.seq)
      })
  };
  return {
    get: key =>
      ({
        spec: () => spec,
        state: () => store.state,
        status: () => store.status,
        events: () => store.all(),
        forms: () => asList(widget.get('forms'))
      })[key]?.(),
    on: listener => store.on(listener),
    off: listener => store.off(listener),
    op: (kind, data, id) => store.op(kind, data, id),
    act: name => acts[name]?.(),
    can: name => !['run', 'notebook', 'join'].includes(name)
  };
}

/** The same forms as an anywidget: operations go to Python, which appends them to the record. */
export const anywidget = {
  render({ model, el }) {
    const shelf = shelfOf(model);
    shelf.store.terms = model.get('spec').terms ?? null;
    begin(shelf, model);
    const form = render({ model: modelFor(shelf, model), el });
    const events = () => shelf.store.mode === 'live' && shelf.store.adopt(asList(model.get('events')));
    model.on('change:events', events);
    return () => {
      model.off('change:events', events);
      shelf.models.delete(model);
      form.dispose();
    };
  }
};

import CSS_TEXT from './core.css';
import { ChangeForm } from './change.js';
import { claims } from './claims.js';
import { close, diagnose, explain, mend, probe, task } from './forms.js';
import { trace } from './trace.js';
import { submit, verdict } from './finish.js';
import { status } from './status.js';
import { bar } from './standing.js';
import { Drafts } from './context.js';
import { h } from './dom.js';
import { localStore } from './outbox.js';

const SCHEMA = 1;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const FORMS = {
  bar,
  change: ctx => new ChangeForm(ctx),
  claims,
  close,
  diagnose,
  explain,
  mend,
  task,
  probe,
  status,
  submit,
  trace,
  verdict
};

/** Fill `%1`, `%2` as JupyterLab's translation bundles do. */
function plainStrings() {
  const put = (source, values) =>
    values.reduce((out, value, at) => out.replaceAll(`%${at + 1}`, () => String(value)), source);
  return {
    __: (source, ...values) => put(source, values),
    _n: (one, many, n, ...values) => put(n === 1 ? one : many, [n, ...values])
  };
}

function style() {
  const id = 'reviewkit-style';
  if (document.getElementById(id)) return;
  document.head.append(h('style', { id }, CSS_TEXT));
}

/** Keys that a form handles itself, because JupyterLab's shortcuts are silenced inside it. */
function accelerator(model) {
  return event => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== 's') return false;
    event.preventDefault();
    event.stopPropagation();
    model.act('save');
    return true;
  };
}

function refusal(spec) {
  if (spec?.schema !== SCHEMA)
    return 'This form was made by another version of reviewkit. Install the version that the workbook names.';
  if (!Object.hasOwn(FORMS, spec.form)) return 'This form is unknown to the installed version of reviewkit.';
  return null;
}

/**
 * Draw the form that `model.get('spec')` describes into `el`.
 *
 * @param {{model: {get(key: string): any, on(listener: () => void): void, off(listener: () => void): void, op(kind: string, data: any, id?: string): any, act(name: string): any, can(name: string): boolean}, el: HTMLElement, env?: {readOnly?: boolean, strings?: any, view?: string, singleKeys?: boolean, spoken?: boolean}}} options
 * @returns {{dispose(): void, command(name: string): boolean}}
 */
export function render({ model, el, env = {} }) {
  style();
  const spec = model.get('spec');
  const strings = env.strings ?? plainStrings();
  el.classList.add('rk-root');
  const wrong = refusal(spec);
  if (wrong) {
    el.replaceChildren(h('p', { class: 'rk-locked' }, strings.__(wrong)));
    return { dispose() {}, command: () => false };
  }
  const ctx = {
    spec,
    model,
    env: { singleKeys: true, ...env },
    t: (source, ...values) => strings.__(source, ...values),
    tn: (one, many, n, ...values) => strings._n(one, many, n, ...values),
    drafts: new Drafts(localStore(), () => (model.get('status').mode === 'live' ? model.get('status').record : null)),
    accel: accelerator(model)
  };
  const form = FORMS[spec.form](ctx);
  el.replaceChildren(form.node);
  let queued = false;
  let alarm = null;
  const update = () => {
    if (queued) return;
    queued = true;
    queueMicrotask(() => {
      queued = false;
      form.update();
    });
  };
  // Look again when something opens by itself.
  ctx.wake = wait => {
    clearTimeout(alarm);
    alarm = setTimeout(update, Math.min(wait, LONGEST_TIMER_MS));
  };
  form.node.addEventListener('keydown', ctx.accel);
  model.on(update);
  form.update();
  return {
    dispose() {
      model.off(update);
      clearTimeout(alarm);
      form.dispose();
    },
    command: name => form.command?.(name) ?? false
  };
}

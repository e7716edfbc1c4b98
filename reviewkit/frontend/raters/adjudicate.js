import { fill, h, uid } from '../core/dom.js';

/**
 * The form of a rater: one task, answered by keys. Every text is a stranger's and becomes a text node.
 *
 * The kernel holds the queue. `view` is what stands on the screen; a message carries the number of the view that it
 * answers, so that a key that is pressed twice does not decide the next task too.
 */
const OFFERED = 'Enter on an empty line uses the last one again';

function remark(item) {
  const part = (label, text) => (text ? h('p', { class: 'rk-said' }, label ? h('strong', {}, `${label}: `) : null, text) : null);
  const late = item.is_late ? ', made after the exercises' : '';
  return h(
    'article',
    { class: 'rk-exhibit' },
    h('h3', {}, `Remark ${item.number} on ${item.place}`),
    h('p', { class: 'rk-dim' }, `${item.severity}, ${item.category}${late}`),
    part('', item.body),
    part('Why it matters', item.why),
    part('What to do', item.fix),
    item.code.length ? code(item) : null
  );
}

function code(item) {
  const line = row =>
    h(
      'div',
      { class: row.is_meant ? 'rk-line rk-meant' : 'rk-line' },
      h('span', { class: 'rk-lineno', 'aria-hidden': 'true' }, `${row.is_meant ? '>' : ' '}${String(row.number).padStart(4)} `),
      row.text || ' '
    );
  return h('div', { class: 'rk-code', role: 'group', 'aria-label': `Code at ${item.place}`, tabindex: '0' }, item.code.map(line));
}

function block(heading, texts, kind = '') {
  const body = texts.length > 1 ? h('ul', {}, texts.map(text => h('li', {}, text))) : h('p', { class: 'rk-said' }, texts[0]);
  return h('section', { class: `rk-block ${kind}` }, h('h3', {}, heading), body);
}

function material(shown) {
  const left = [
    ...shown.remarks.map(remark),
    ...shown.texts.map(([heading, text]) => block(heading, [text], 'rk-exhibit'))
  ];
  const right = [
    ...shown.key.map(([heading, statements]) => block(heading, statements)),
    shown.reasons.length ? block('The program', shown.reasons, 'rk-dim') : null,
    ...shown.others.map(([rater, outcome, reason]) => block(`${rater} said: ${outcome}`, [reason], 'rk-other')),
    shown.opinion ? block(shown.opinion[0], [shown.opinion[1]], 'rk-other') : null,
    shown.mine ? block(`Your word so far: ${shown.mine[0]}`, [shown.mine[1]], 'rk-mine') : null
  ];
  if (!left.length) left.push(h('p', { class: 'rk-dim' }, 'The candidate wrote nothing on this.'));
  return h(
    'div',
    { class: 'rk-columns' },
    h('section', { 'aria-label': 'What the candidate wrote' }, left),
    h('section', { 'aria-label': 'What the rubric says' }, right)
  );
}

class Desk {
  constructor(model, el) {
    this.model = model;
    this.root = el.appendChild(h('div', { class: 'rk-root rk-adjudicate' }));
    this.live = h('p', { class: 'rk-state', role: 'status' });
    this.chosen = null;
    this.root.addEventListener('keydown', event => this.#onKey(event));
    this.changed = () => this.draw(true);
    this.model.on('change:view', this.changed);
    this.draw(false);
    requestAnimationFrame(() => this.panel.focus({ preventScroll: true }));
  }

  dispose() {
    this.model.off('change:view', this.changed);
  }

  get view() {
    return this.model.get('view');
  }

  send(type, more = {}) {
    this.model.send({ type, number: this.view.number, ...more });
  }

  draw(takeFocus) {
    const { shown, said, position, troubles } = this.view;
    this.chosen = null;
    this.live.textContent = said;
    const title = shown ? shown.title : 'Nothing is left to decide';
    this.panel = h(
      'section',
      { class: 'rk-card', tabindex: '0', role: 'group', 'aria-label': `${title}. ${position}`, 'aria-keyshortcuts': 'j k u f' },
      h(
        'div',
        { class: 'rk-head' },
        h('h2', { class: 'rk-title' }, title),
        h('span', { class: 'rk-aside' }, shown ? `${position} · submission ${shown.submission} · ${shown.scenario}` : position)
      ),
      h('div', { class: 'rk-body' }, shown ? [material(shown), this.#question(shown)] : null, this.#steps(shown))
    );
    fill(this.root, troubles.map(text => h('p', { class: 'rk-error' }, text)), this.panel, this.live);
    if (takeFocus) this.panel.focus({ preventScroll: true });
    if (takeFocus) this.panel.scrollIntoView({ block: 'nearest' });
  }

  #question(shown) {
    const name = uid('answer');
    this.radios = shown.answers.map(([key, outcome, words], at) => {
      const id = uid('a');
      const input = h('input', { type: 'radio', id, name, value: outcome, 'aria-keyshortcuts': key, on: { change: () => this.choose(at) } });
      return { input, node: h('div', { class: 'rk-answer' }, input, h('label', { for: id }, h('kbd', {}, key), ` ${words}`)) };
    });
    this.defect = h('select', {}, h('option', { value: '' }, 'Choose the flaw …'), shown.defects.map(([id, words]) => h('option', { value: id }, words)));
    const defectId = (this.defect.id = uid('d'));
    this.flaw = h('div', { class: 'rk-field', hidden: true }, h('label', { for: defectId }, 'Which flaw of the key'), this.defect);
    const { last_reason: last } = this.view;
    this.reason = h('textarea', { rows: 2, id: uid('r'), maxlength: '4000', placeholder: last ? `${last.slice(0, 120)} (${OFFERED})` : '' });
    this.fault = h('p', { class: 'rk-error', role: 'alert' });
    return h(
      'div',
      { class: 'rk-question' },
      h('fieldset', {}, h('legend', {}, shown.question), this.radios.map(radio => radio.node)),
      this.flaw,
      h('div', { class: 'rk-field' }, h('label', { for: this.reason.id }, 'Reason, a few words'), this.reason),
      this.fault
    );
  }

  #steps(shown) {
    const step = (words, key, act, primary = false) =>
      h('button', { class: primary ? 'rk-button rk-primary' : 'rk-button', on: { click: act } }, words, key ? h('kbd', { class: 'rk-key' }, key) : null);
    return h(
      'div',
      { class: 'rk-actions' },
      shown ? step('Store', 'Enter', () => this.store(), true) : null,
      shown ? step('Later', 'j', () => this.send('next')) : null,
      step('Back', 'k', () => this.send('back')),
      step('Take back', 'u', () => this.send('undo')),
      h('span', { class: 'rk-grow' }),
      step('Make the reports again', 'f', () => this.finish())
    );
  }

  choose(at) {
    const { shown } = this.view;
    this.chosen = at;
    this.radios[at].input.checked = true;
    this.flaw.hidden = !shown.answers[at][3];
    (this.flaw.hidden ? this.reason : this.defect).focus();
  }

  finish() {
    this.live.textContent = 'The reports are being made again …';
    this.send('finish');
  }

  store() {
    const { shown, last_reason: last } = this.view;
    const answer = this.chosen === null ? null : shown.answers[this.chosen];
    const reason = this.reason.value.trim() || last;
    const defect = answer?.[3] ? this.defect.value : null;
    const fault = !answer ? 'Choose an answer first.' : answer[3] && !defect ? 'Choose the flaw that is meant.' : !reason ? 'A decision needs a reason.' : '';
    this.fault.textContent = fault;
    if (fault) return void (!answer ? this.panel : answer[3] && !defect ? this.defect : this.reason).focus();
    this.send('decide', { outcome: answer[1], reason, defect });
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const writes = event.target === this.reason || event.target === this.defect;
    const act = writes ? this.#inField(event) : this.#onPanel(event);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  #inField(event) {
    if (event.key === 'Escape') return () => this.panel.focus();
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return null;
    return event.target === this.defect ? () => this.reason.focus() : () => this.store();
  }

  #onPanel(event) {
    const steps = { j: 'next', k: 'back', u: 'undo' };
    if (event.key.length > 1) return event.key === 'Enter' && event.target === this.panel ? () => this.store() : null;
    const key = event.key.toLowerCase();
    const answers = this.view.shown?.answers ?? [];
    const exact = answers.findIndex(answer => answer[0] === key);
    const at = exact >= 0 ? exact : Number(key) - 1;
    if (answers[at]) return () => this.choose(at);
    if (key === 'f') return () => this.finish();
    return steps[key] ? () => this.send(steps[key]) : null;
  }
}

export function render({ model, el }) {
  const desk = new Desk(model, el);
  return () => desk.dispose();
}

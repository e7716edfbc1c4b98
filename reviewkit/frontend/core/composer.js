import { choices, field, h, isAccelEnter, randomId } from './dom.js';

/** Where a remark belongs, in words. */
export function placeText(ctx, place) {
  if (place.file === null) return ctx.t('Whole change');
  if (place.line === null) return ctx.t('%1, whole file', place.file);
  const side = place.side === 'L' ? ` ${ctx.t('(old version)')}` : '';
  const lines = place.end_line > place.line ? `${place.line}–${place.end_line}` : `${place.line}`;
  return `${place.file}:${lines}${side}`;
}

/** Name under which the draft of a remark is kept: one per place, or per remark being edited. */
export function draftName(place, finding) {
  return finding ? `finding:edit:${finding.id}` : `finding:new:${place.file ?? ''}|${place.side}|${place.line ?? ''}`;
}

/** A word with a capital letter, as labels show it. */
export function capital(word) {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

function placeFields(ctx, place) {
  const kinds = [
    place.line !== null && ['lines', ctx.t('Lines')],
    place.file !== null && ['file', ctx.t('Whole file')],
    ['change', ctx.t('Whole change')]
  ].filter(Boolean);
  const kind = h(
    'select',
    {},
    kinds.map(([value, label]) => h('option', { value }, label))
  );
  kind.value = kinds[0][0];
  const from = h('input', { type: 'number', min: 1, step: 1, class: 'rk-number', value: place.line ?? '' });
  const to = h('input', {
    type: 'number',
    min: 1,
    step: 1,
    class: 'rk-number',
    value: place.end_line ?? place.line ?? ''
  });
  const fields = {
    kind: field(ctx.t('Place'), kind),
    from: field(ctx.t('From line'), from),
    to: field(ctx.t('To line'), to)
  };
  const sync = () => {
    fields.from.node.hidden = fields.to.node.hidden = kind.value !== 'lines';
  };
  kind.addEventListener('change', sync);
  sync();
  return {
    nodes: [fields.kind.node, fields.from.node, fields.to.node],
    get values() {
      return { kind: kind.value, from: from.value, to: to.value };
    },
    set values(next) {
      if (kinds.some(([value]) => value === next.kind)) kind.value = next.kind;
      from.value = next.from;
      to.value = next.to;
      sync();
    },
    /** The place chosen, or null with the fault shown. */
    read() {
      fields.from.fail('');
      fields.to.fail('');
      if (kind.value === 'change') return { file: null, side: 'R', line: null, end_line: null };
      if (kind.value === 'file') return { file: place.file, side: 'R', line: null, end_line: null };
      const [line, end] = [Number(from.value), Number(to.value)];
      if (!Number.isInteger(line) || line < 1)
        return (fields.from.fail(ctx.t('Give a line number.')), from.focus(), null);
      if (!Number.isInteger(end) || end < line)
        return (fields.to.fail(ctx.t('Give a line at or after the first.')), to.focus(), null);
      return { file: place.file, side: place.side, line, end_line: end };
    }
  };
}

function textFields(ctx) {
  const area = rows => h('textarea', { rows, spellcheck: 'true' });
  return {
    body: field(ctx.t('What is wrong'), area(3), { wide: true, hint: ctx.t('required, Markdown') }),
    why: field(ctx.t('Why it matters'), area(2)),
    fix: field(ctx.t('What to do'), area(2))
  };
}

/**
 * The form in which a remark is written or changed.
 *
 * @param {any} ctx
 * @param {{place: any, finding: any, severities: string[], categories: string[], close: (saved: boolean) => void}} options
 */
export function composer(ctx, { place, finding, severities, categories, close }) {
  const name = draftName(place, finding);
  const where = placeFields(ctx, place);
  const severity = choices(
    ctx.t('Severity'),
    severities.map(id => ({ id, label: ctx.t(capital(id)), class: `rk-sev-${severities.indexOf(id)}` }))
  );
  const category = field(
    ctx.t('Category'),
    h(
      'select',
      {},
      h('option', { value: '' }, ctx.t('Choose…')),
      categories.map(id => h('option', { value: id }, ctx.t(capital(id))))
    )
  );
  const texts = textFields(ctx);
  const values = () => ({
    open: true,
    place,
    where: where.values,
    severity: severity.value,
    category: category.control.value,
    body: texts.body.control.value,
    why: texts.why.control.value,
    fix: texts.fix.control.value
  });
  const put = from => {
    severity.value = from.severity ?? null;
    category.control.value = from.category ?? '';
    for (const key of ['body', 'why', 'fix']) texts[key].control.value = from[key] ?? '';
  };
  const save = () => {
    const at = where.read();
    severity.fail('');
    category.fail('');
    texts.body.fail('');
    const faults = [];
    if (!severity.value) faults.push([severity, ctx.t('Choose a severity.')]);
    if (!category.control.value) faults.push([category, ctx.t('Choose a category.')]);
    if (!texts.body.control.value.trim()) faults.push([texts.body, ctx.t('Say what is wrong.')]);
    for (const [part, message] of faults) part.fail(message);
    if (faults.length > 0) (faults[0][0].control ?? faults[0][0]).focus();
    if (at === null || faults.length > 0) return;
    const after = finding ? finding.after_exercises : ctx.model.get('state').closed;
    const { body, why, fix } = values();
    ctx.model.op(finding ? 'finding.edited' : 'finding.added', {
      id: finding?.id ?? `f-${randomId(6)}`,
      ...at,
      severity: severity.value,
      category: category.control.value,
      body: body.trim(),
      why: why.trim(),
      fix: fix.trim(),
      after_exercises: after
    });
    ctx.drafts.drop(name);
    close(true);
  };
  const shut = keep => {
    const now = values();
    const written = now.body || now.why || now.fix;
    if (keep && written) ctx.drafts.set(name, { ...now, open: false });
    else ctx.drafts.drop(name);
    close(false);
  };
  const node = h(
    'form',
    {
      class: 'rk-composer',
      novalidate: true,
      'aria-label': finding
        ? ctx.t('Edit finding at %1', placeText(ctx, place))
        : ctx.t('New finding at %1', placeText(ctx, place))
    },
    h(
      'div',
      { class: 'rk-composer-head' },
      h('strong', {}, finding ? ctx.t('Edit finding') : ctx.t('New finding')),
      h('code', {}, placeText(ctx, place))
    ),
    h('div', { class: 'rk-fields' }, severity.node, category.node, where.nodes),
    h('div', { class: 'rk-fields' }, texts.body.node, texts.why.node, texts.fix.node),
    h(
      'div',
      { class: 'rk-actions' },
      h('button', { class: 'rk-button rk-primary', on: { click: save } }, ctx.t('Save finding')),
      h('button', { class: 'rk-button', on: { click: () => shut(false) } }, ctx.t('Discard')),
      h('span', { class: 'rk-hint' }, ctx.t('Ctrl+Enter saves, Esc closes and keeps the draft'))
    )
  );
  node.addEventListener('submit', event => {
    event.preventDefault();
    save();
  });
  node.addEventListener('input', () => ctx.drafts.set(name, values()));
  node.addEventListener('keydown', event => {
    event.stopPropagation();
    if (isAccelEnter(event)) {
      event.preventDefault();
      save();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      shut(true);
    } else ctx.accel(event);
  });
  if (finding) put(finding);
  const draft = ctx.drafts.get(name);
  if (draft) {
    put(draft);
    if (draft.where) where.values = draft.where;
  }
  return { node, name, focus: () => severity.focus() };
}

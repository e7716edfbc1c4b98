import { answersTo, autosave, card, exerciseLock, lockedReason, opensAt } from './context.js';
import { append, field, fill, h } from './dom.js';
import { markdown } from './markdown.js';
import { text } from './state.js';

/** Close the review part; asked once. */
export function close(ctx) {
  const frame = card(ctx, { title: ctx.t('Close the review part'), kind: 'rk-close' });
  const place = h('div', {});
  const ask = () => {
    const back = h('button', { class: 'rk-button', on: { click: offer } }, ctx.t('Keep reviewing'));
    fill(
      place,
      h('p', {}, h('strong', {}, ctx.t('Close the review part now? This is asked once and cannot be undone.'))),
      h(
        'div',
        { class: 'rk-actions' },
        h(
          'button',
          { class: 'rk-button rk-primary', on: { click: () => ctx.model.op('review.closed', {}) } },
          ctx.t('Close the review')
        ),
        back
      )
    );
    back.focus();
  };
  const button = h('button', { class: 'rk-button rk-primary', on: { click: ask } }, ctx.t('Close the review part…'));
  const offer = () => fill(place, h('div', { class: 'rk-actions' }, button));
  const text1 = ctx.t(
    'The exercises below open when you close the review part. You may still add findings afterwards; they are marked “after exercises” and reported apart.'
  );
  frame.body.append(h('p', { class: 'rk-lead' }, text1), place);
  offer();
  let shown = false;
  return {
    node: frame.node,
    update() {
      const reason = lockedReason(ctx);
      frame.lock(reason);
      button.disabled = Boolean(reason);
      if (ctx.model.get('state').closed === shown) return;
      shown = ctx.model.get('state').closed;
      if (!shown) return offer();
      const done = h(
        'p',
        { class: 'rk-done', role: 'status', tabindex: -1 },
        h('span', { 'aria-hidden': 'true' }, '✓ '),
        ctx.t('The review part is closed. The exercises are open.')
      );
      const focused = place.contains(document.activeElement);
      fill(place, done);
      if (focused) done.focus();
    },
    dispose() {}
  };
}

/** A live demonstration: its cell runs at a click. */
export function probe(ctx) {
  const item = {
    id: text(ctx.spec.probe?.id, 80),
    title: text(ctx.spec.probe?.title, 300),
    about: text(ctx.spec.probe?.text, 2000)
  };
  const frame = card(ctx, {
    title: item.title || ctx.t('Probe'),
    kind: 'rk-probe',
    label: ctx.t('Probe: %1', item.title)
  });
  const run = runButton(ctx, ctx.t('Run this probe'));
  const last = h('span', { class: 'rk-last', role: 'status' });
  append(frame.body, [markdown(item.about), h('div', { class: 'rk-actions' }, run.node, last)]);
  return {
    node: frame.node,
    update() {
      const reason = lockedReason(ctx);
      frame.lock(reason);
      run.update(Boolean(reason));
      const seen = ctx.model.get('state').probes.get(item.id);
      last.textContent = seen ? `${ctx.t('Last run')} (${seen.tree}): ${seen.verdict}` : '';
    },
    dispose() {}
  };
}

function runButton(ctx, label) {
  const node = h(
    'button',
    { class: 'rk-button rk-primary', on: { click: () => ctx.model.act('run') } },
    h('span', { 'aria-hidden': 'true' }, '▶ '),
    label
  );
  return {
    node,
    update(locked) {
      node.disabled = locked || !ctx.model.can('run');
      node.title = ctx.model.can('run') ? '' : ctx.t('Run the cell with Shift+Enter.');
    }
  };
}

/** The frame of an exercise; its prompt and fields stay out of sight until the review part is closed. */
export function exerciseCard(ctx, kind) {
  const item = ctx.spec.exercise ?? {};
  const id = text(item.id, 80);
  const title = text(item.title, 300) || ctx.t('Exercise');
  const frame = card(ctx, { title, kind: `rk-exercise rk-${kind}`, label: ctx.t(kind === 'task' ? 'Task: %1' : 'Exercise: %1', title) });
  const prompt = h('div', {}, item.prompt ? markdown(text(item.prompt, 8000)) : null);
  frame.body.append(prompt);
  const kept = kind === 'mend' ? prompt : frame.body; // its files lie open in cells anyway
  const lock = reason => {
    kept.hidden = !ctx.model.get('state').closed || opensAt(ctx, { kind, id }) > 0;
    frame.lock(reason);
  };
  return { frame: { ...frame, lock }, id, item };
}

/** What an exercise asks for, where its cells come between the task and the button that checks them. */
export function task(ctx) {
  const { frame } = exerciseCard(ctx, 'task');
  return {
    node: frame.node,
    update() {
      frame.lock(exerciseLock(ctx, { kind: 'task', id: '' }));
    },
    dispose() {}
  };
}

/** Mend the change: shows which files differ, and runs the public checks. */
export function mend(ctx) {
  const { frame, id, item } = exerciseCard(ctx, 'mend');
  const files = (Array.isArray(item.files) ? item.files : []).slice(0, 100).map(file => text(file, 400));
  const list = h('ul', { class: 'rk-mend-files', 'aria-label': ctx.t('Files to mend') });
  const run = runButton(ctx, ctx.t('Run the public checks'));
  const results = h('div', { class: 'rk-results', role: 'status' });
  const note = h(
    'p',
    { class: 'rk-hint' },
    ctx.t('Edit the cells that carry these files; run a cell to load it. Your edits are recorded as you pause.')
  );
  append(frame.body, [note, list, h('div', { class: 'rk-actions' }, run.node), results]);
  return {
    node: frame.node,
    update() {
      const reason = exerciseLock(ctx, { kind: 'mend', id });
      frame.lock(reason);
      run.update(Boolean(reason));
      const work = ctx.model.get('state').exercises.get(id);
      const edited = ctx.model.get('edited');
      const isEdited = file => edited?.get(`${id} ${file}`) ?? work?.files.has(file) ?? false;
      fill(
        list,
        files.map(file =>
          h(
            'li',
            {},
            h('code', {}, file),
            h(
              'span',
              { class: isEdited(file) ? 'rk-tag rk-on' : 'rk-tag' },
              isEdited(file) ? ctx.t('edited') : ctx.t('as in the change')
            )
          )
        )
      );
      const rows = work?.results ?? [];
      fill(
        results,
        rows.length > 0 &&
          h(
            'div',
            { class: 'rk-part-label' },
            ctx.t('Last run: %1 of %2 public checks passed', rows.filter(row => row.passed).length, rows.length)
          )
      );
      if (rows.length > 0)
        results.append(
          h(
            'ul',
            { class: 'rk-checks' },
            rows.map(row =>
              h(
                'li',
                {},
                h(
                  'span',
                  { class: row.passed ? 'rk-pass' : 'rk-fail' },
                  row.passed ? `✓ ${ctx.t('passed')}` : `✗ ${ctx.t('failed')}`
                ),
                h('code', {}, row.check),
                row.seen && h('span', {}, row.seen)
              )
            )
          )
        );
    },
    dispose() {}
  };
}

/** An exercise that is answered in text fields: `explain` has one, `diagnose` four. */
function written(ctx, kind, parts, pack, unpack) {
  const { frame, id } = exerciseCard(ctx, kind);
  const fields = parts.map(part =>
    field(part.label, h('textarea', { rows: part.rows, spellcheck: 'true' }), { wide: true })
  );
  const root = h(
    'fieldset',
    { class: 'rk-plain' },
    h('legend', { class: 'rk-vh' }, ctx.t('Your answer')),
    fields.map(one => one.node)
  );
  const collect = () => pack(fields.map(one => one.control.value.trim()));
  const saving = autosave(ctx, {
    name: `answer:${id}`,
    root,
    collect,
    // A field that says the same is left alone: a caret stays in it.
    show: value =>
      unpack(value).forEach((part, at) => {
        if (fields[at].control.value.trim() !== text(part)) fields[at].control.value = text(part);
      }),
    answers: () => answersTo(ctx, id),
    recorded: () => ctx.model.get('state').exercises.get(id)?.answer ?? null,
    record: answer => ctx.model.op('exercise.answered', { exercise: id, answer })
  });
  frame.body.append(root);
  frame.aside.append(saving.state);
  return {
    node: frame.node,
    update() {
      const reason = exerciseLock(ctx, { kind, id });
      frame.lock(reason);
      root.disabled = Boolean(reason);
      saving.update();
    },
    dispose: saving.dispose
  };
}

/** Explain something in your own words. */
export function explain(ctx) {
  return written(
    ctx,
    'explain',
    [{ label: ctx.t('Your explanation'), rows: 6 }],
    ([words]) => ({ text: words }),
    answer => [answer.text]
  );
}

/** Diagnose a degraded system. */
export function diagnose(ctx) {
  const parts = [
    { label: ctx.t('Cause: what is going on?'), rows: 3 },
    { label: ctx.t('Evidence: what in the recording shows it?'), rows: 3 },
    { label: ctx.t('Fix: what would you do?'), rows: 3 },
    { label: ctx.t('Trade-off: what does the fix cost?'), rows: 2 }
  ];
  const keys = ['cause', 'evidence', 'fix', 'trade_off'];
  return written(
    ctx,
    'diagnose',
    parts,
    values => Object.fromEntries(keys.map((key, at) => [key, values[at]])),
    answer => keys.map(key => answer[key])
  );
}

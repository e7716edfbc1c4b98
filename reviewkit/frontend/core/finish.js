import { autosave, card, clockTime, lockedReason } from './context.js';
import { choices, field, fill, h } from './dom.js';
import { handInWords } from './delivery.js';
import { capital, placeText } from './composer.js';
import { gist } from './remark.js';
import { DECISIONS, text } from './state.js';

/** Decide: approve, request changes or block, with a summary and the three findings that matter most. */
export function verdict(ctx) {
  const frame = card(ctx, { title: ctx.t('Your verdict'), kind: 'rk-verdict' });
  const labels = { approve: ctx.t('Approve'), 'request changes': ctx.t('Request changes'), block: ctx.t('Block') };
  const decision = choices(
    ctx.t('Decision'),
    DECISIONS.map(id => ({ id, label: labels[id] }))
  );
  const summary = field(ctx.t('Summary for the author and the team'), h('textarea', { rows: 4, spellcheck: 'true' }), {
    wide: true
  });
  const ordinals = [ctx.t('Most important finding'), ctx.t('Second'), ctx.t('Third')];
  const tops = ordinals.map(label => field(label, h('select', {}), { wide: true }));
  const chosen = () => tops.map(top => top.control.value).filter(Boolean);
  const root = h(
    'fieldset',
    { class: 'rk-plain' },
    h('legend', { class: 'rk-vh' }, ctx.t('Your verdict')),
    decision.node,
    summary.node,
    h(
      'div',
      { class: 'rk-tops' },
      tops.map(top => top.node)
    )
  );
  const saving = autosave(ctx, {
    name: 'verdict',
    root,
    collect: () => ({ decision: decision.value, summary: summary.control.value.trim(), top: [...new Set(chosen())] }),
    show: value => {
      decision.value = value.decision;
      summary.control.value = value.summary ?? '';
      options(Array.isArray(value.top) ? value.top : []);
    },
    recorded: () => ctx.model.get('state').verdict,
    ready: value => value.decision !== null,
    record: value => ctx.model.op('verdict.given', value)
  });
  function options(picked) {
    const findings = [...ctx.model.get('state').findings.values()];
    tops.forEach((top, at) => {
      const mine = findings.some(finding => finding.id === picked[at]) ? picked[at] : '';
      const taken = picked.filter((id, other) => id && other !== at);
      fill(
        top.control,
        h('option', { value: '' }, ctx.t('Choose a finding…')),
        findings
          .filter(finding => !taken.includes(finding.id))
          .map(finding =>
            h(
              'option',
              { value: finding.id },
              `#${finding.number} · ${capital(finding.severity)} · ${placeText(ctx, finding)} · ${gist(finding, 70)}`
            )
          )
      );
      top.control.value = mine;
    });
  }
  for (const top of tops) top.control.addEventListener('change', () => options(tops.map(one => one.control.value)));
  frame.body.append(root);
  frame.aside.append(saving.state);
  let print = null;
  return {
    node: frame.node,
    update() {
      const reason = lockedReason(ctx);
      frame.lock(reason);
      root.disabled = Boolean(reason);
      const now = JSON.stringify([...ctx.model.get('state').findings.values()]);
      if (now !== print) {
        print = now;
        options(tops.map(top => top.control.value));
      }
      saving.update();
    },
    dispose: saving.dispose
  };
}

/** What is there and what is missing, from the forms of this notebook. */
function inventory(ctx) {
  const state = ctx.model.get('state');
  const forms = ctx.model.get('forms');
  const { t } = ctx;
  const rows = [{ done: state.findings.size > 0, label: t('Findings'), value: String(state.findings.size) }];
  const claims = forms
    .filter(form => form.form === 'claims')
    .flatMap(form => (Array.isArray(form.claims) ? form.claims : []));
  const judged =
    claims.length > 0 ? claims.filter(claim => state.claims.has(text(claim?.id, 80))).length : state.claims.size;
  if (claims.length > 0 || judged > 0)
    rows.push({
      done: judged >= claims.length,
      label: t('Claims judged'),
      value: claims.length > 0 ? t('%1 of %2', judged, claims.length) : String(judged)
    });
  rows.push({ done: state.closed, label: t('Review part'), value: state.closed ? t('closed') : t('open') });
  for (const form of forms) {
    if (!['mend', 'trace', 'diagnose', 'explain'].includes(form.form)) continue;
    const work = state.exercises.get(text(form.exercise?.id, 80));
    const done = form.form === 'mend' ? (work?.files.size ?? 0) > 0 : work?.answer != null;
    rows.push({
      done,
      label: text(form.exercise?.title, 300),
      value: done ? (form.form === 'mend' ? t('edited') : t('answered')) : t('missing')
    });
  }
  rows.push({
    done: state.verdict !== null,
    label: t('Verdict'),
    value: state.verdict ? t(capital(state.verdict.decision)) : t('missing')
  });
  return rows;
}

/** Hand in. */
export function submit(ctx) {
  const frame = card(ctx, { title: ctx.t('Submit'), kind: 'rk-submit' });
  const list = h('ul', { class: 'rk-inventory' });
  const say = h('p', { class: 'rk-say', role: 'status' });
  const actions = h('div', { class: 'rk-actions' });
  const download = h(
    'button',
    { class: 'rk-button', on: { click: () => ctx.model.act('download') } },
    ctx.t('Download my answers')
  );
  const handIn = h(
    'button',
    { class: 'rk-button', on: { click: () => ctx.model.act('notebook') } },
    ctx.t('Download the notebook to hand in')
  );
  const file = () => ctx.model.get('state').submitted && ctx.model.get('status').terms && ctx.model.can('notebook') && handIn;
  let busy = false;
  const send = async () => {
    busy = true;
    offer();
    say.textContent = ctx.t('Sending and saving…');
    const answer = await ctx.model.act('submit');
    busy = false;
    say.textContent = answer || handInWords(ctx, ctx.model.get('status'));
    offer();
    download.focus();
  };
  const button = h(
    'button',
    { class: 'rk-button rk-primary', on: { click: () => confirm() } },
    ctx.t('Submit my work…')
  );
  const confirm = () => {
    const back = h(
      'button',
      {
        class: 'rk-button',
        on: {
          click: () => {
            offer();
            button.focus();
          }
        }
      },
      ctx.t('Not yet')
    );
    const missing = inventory(ctx).filter(row => !row.done).length;
    const question =
      missing > 0
        ? ctx.tn(
            '%1 part is missing. Submit anyway? Nothing can be changed afterwards.',
            '%1 parts are missing. Submit anyway? Nothing can be changed afterwards.',
            missing
          )
        : ctx.t('Submit now? Nothing can be changed afterwards.');
    fill(
      actions,
      h('strong', {}, question),
      h('button', { class: 'rk-button rk-primary', on: { click: send } }, ctx.t('Submit now')),
      back
    );
    back.focus();
  };
  const offer = () => fill(actions, !ctx.model.get('state').submitted && button, file(), download);
  frame.body.append(list, actions, say);
  offer();
  let submitted = null;
  return {
    node: frame.node,
    update() {
      const reason = lockedReason(ctx);
      frame.lock(reason);
      button.disabled = Boolean(reason) || busy;
      fill(
        list,
        inventory(ctx).map(row =>
          h(
            'li',
            {},
            h(
              'span',
              { class: row.done ? 'rk-pass' : 'rk-open' },
              h('span', { 'aria-hidden': 'true' }, row.done ? '✓' : '○'),
              h('span', { class: 'rk-vh' }, row.done ? ctx.t('done') : ctx.t('missing'))
            ),
            h('span', {}, row.label),
            h('span', { class: 'rk-dim' }, row.value)
          )
        )
      );
      const state = ctx.model.get('state');
      const words = state.submitted && !busy ? handInWords(ctx, ctx.model.get('status')) : '';
      if (words && say.textContent !== words) say.textContent = words;
      if (state.submitted === submitted) return;
      submitted = state.submitted;
      offer();
      if (submitted && !say.textContent) say.textContent = ctx.t('Submitted at %1.', clockTime(submitted));
    },
    dispose() {}
  };
}

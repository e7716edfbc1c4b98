import { autosave, card, lockedReason } from './context.js';
import { labelled } from './bundle.js';
import { choices, h, uid } from './dom.js';
import { JUDGEMENTS } from './state.js';

/** Judge each claim of the author's description. */
export function claims(ctx) {
  const frame = card(ctx, { title: ctx.t('What the author claims'), kind: 'rk-claims' });
  const items = labelled(ctx.spec.claims, 'text').map((claim, at) => claimRow(ctx, claim, at));
  frame.body.append(
    h(
      'p',
      { class: 'rk-lead' },
      ctx.t('Judge each sentence by the change itself. “Not shown” means that nothing here proves or refutes it.')
    ),
    h(
      'ol',
      { class: 'rk-claim-list' },
      items.map(item => item.node)
    )
  );
  const count = h('span', {});
  frame.aside.append(count);
  return {
    node: frame.node,
    update() {
      const reason = lockedReason(ctx);
      frame.lock(reason);
      for (const item of items) item.update(Boolean(reason));
      const judged = items.filter(item => ctx.model.get('state').claims.has(item.id)).length;
      count.textContent = ctx.t('%1 of %2 judged', judged, items.length);
    },
    dispose() {
      for (const item of items) item.dispose();
    }
  };
}

function claimRow(ctx, claim, at) {
  const labels = { true: ctx.t('True'), false: ctx.t('False'), 'not shown': ctx.t('Not shown') };
  const statement = uid();
  const verdict = choices(
    ctx.t('Claim %1', at + 1),
    JUDGEMENTS.map(id => ({ id, label: labels[id] })),
    { labelledby: statement }
  );
  const why = h('textarea', {
    rows: 1,
    'aria-label': ctx.t('Why, claim %1', at + 1),
    placeholder: ctx.t('Why? A line or a place is enough.')
  });
  const fields = h(
    'fieldset',
    { class: 'rk-plain' },
    h('legend', { class: 'rk-vh' }, ctx.t('Claim %1', at + 1)),
    h('div', { class: 'rk-claim-answer' }, verdict.node, why)
  );
  const saving = autosave(ctx, {
    name: `claim:${claim.id}`,
    root: fields,
    collect: () => ({ verdict: verdict.value, why: why.value.trim() }),
    show: value => {
      verdict.value = value.verdict;
      why.value = value.why ?? '';
    },
    recorded: () => ctx.model.get('state').claims.get(claim.id) ?? null,
    ready: value => value.verdict !== null,
    record: value => ctx.model.op('claim.judged', { claim: claim.id, ...value })
  });
  const node = h(
    'li',
    {},
    h('div', { class: 'rk-claim-text' }, h('q', { id: statement }, claim.label), saving.state),
    fields
  );
  return {
    id: claim.id,
    node,
    update(locked) {
      fields.disabled = locked;
      saving.update();
    },
    dispose: saving.dispose
  };
}

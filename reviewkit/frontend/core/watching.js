import { h } from './dom.js';

const MINUTE_MS = 60000;

/**
 * Whether somebody may be following now: `{alone, words}`, or null where nobody can, or it no longer matters.
 * `alone`: nobody watches, and the candidate may let them sooner.
 */
export function watchWords(ctx, status, state) {
  const { terms } = status;
  if (!terms?.intake || status.mode !== 'live' || !state.agreed || state.submitted) return null;
  const until = Date.parse(state.agreed) + (Number(terms.focus_minutes) || 0) * MINUTE_MS;
  const left = Math.ceil((until - Date.now() - status.clockOffset) / MINUTE_MS);
  // Without a time that can be read, nobody is promised to be alone.
  if (state.followed || !(left > 0)) return { alone: false, words: ctx.t('An interviewer may be following') };
  return { alone: true, words: ctx.tn('Nobody is following, for another %1 minute', 'Nobody is following, for another %1 minutes', left) };
}

/** What the first screen says of it. */
export function watchTerms(ctx, terms) {
  if (!terms.intake) return ctx.t('Nobody: nothing is sent while you work.');
  const after = ctx.t('An interviewer may follow what is recorded, as you record it.');
  if (!(terms.focus_minutes > 0)) return after;
  return ctx.t('For the first %1 minutes nobody: you work alone. After that, or sooner if you press a button (which is recorded), an interviewer may follow what is recorded, as you record it.', terms.focus_minutes);
}

/** The words, and the button that ends the focus time. */
export function watchChip(ctx) {
  const label = h('span', { class: 'rk-watch-text', tabindex: -1 });
  const open = () => ctx.model.op('focus.ended', {}, `focus-ended-${ctx.model.get('status').record}`.slice(0, 80));
  const button = h('button', { class: 'rk-link', on: { click: open } }, ctx.t('Let them follow now'));
  const node = h('span', { class: 'rk-watch', hidden: true }, label, button);
  return {
    node,
    update() {
      const found = watchWords(ctx, ctx.model.get('status'), ctx.model.get('state'));
      node.hidden = !found;
      if (!found) return;
      if (label.textContent !== found.words) label.textContent = found.words;
      if (document.activeElement === button && !found.alone) label.focus(); // the button goes away; the place must not
      button.hidden = !found.alone;
    }
  };
}

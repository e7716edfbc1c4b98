import { fold } from './state.js';
import { h } from './dom.js';
import { deliveryChip, deliveryWords } from './delivery.js';
import { watchChip, watchWords } from './watching.js';

const TICK_MS = 15000;
const DOTS = { ok: '✓', wait: '…', bad: '!', off: '–' };

/** How recording stands: `[tone, words]`. */
export function recordWords(ctx, status, state) {
  const { t, tn } = ctx;
  if (status.mode === 'opening') return ['wait', t('Connecting…')];
  if (status.mode === 'readonly') return ['off', t('Read only, nothing is recorded')];
  if (status.mode === 'preview') return ['off', t('Preview, nothing is recorded')];
  if (status.full) return ['bad', t('Not saved: the browser’s storage is full. Download your answers.')];
  if (status.parked.length > 0)
    return ['bad', tn('%1 entry was refused', '%1 entries were refused', status.parked.length)];
  if (status.offline && status.waiting > 0)
    return [
      'bad',
      tn('%1 entry not sent, kept in this browser', '%1 entries not sent, kept in this browser', status.waiting)
    ];
  if (status.offline) return ['wait', t('No answer from the server; trying again')];
  if (status.terms && !state.agreed) return ['off', t('Nothing is recorded yet')];
  if (status.waiting > 0) return ['wait', t('Sending…')];
  return state.submitted ? ['ok', t('Submitted')] : ['ok', t('Everything is recorded')];
}

/**
 * The one place of a page that is read aloud, politely: trouble, its end, and what is done. Words that follow each entry
 * ("Sending…") are only seen.
 */
function announcer(ctx) {
  const node = h('span', { class: 'rk-vh', role: 'status' });
  const said = { record: '', delivery: '', watch: '' };
  let trouble = false;
  let alone = false;
  return {
    node,
    update() {
      const [status, state] = [ctx.model.get('status'), ctx.model.get('state')];
      const now = { ...said };
      const [tone, words] = recordWords(ctx, status, state);
      if (tone !== 'wait' || status.offline) now.record = words;
      const [sentTone, sentWords] = deliveryWords(ctx, status, state) ?? ['wait', ''];
      const isHandedIn = sentTone === 'ok' && Boolean(state.submitted);
      if (sentTone === 'bad' || isHandedIn || (trouble && sentTone === 'ok')) now.delivery = sentWords;
      const watch = watchWords(ctx, status, state);
      if (alone && watch && !watch.alone) now.watch = watch.words;
      alone = watch?.alone ?? false;
      if (sentTone !== 'wait') trouble = sentTone === 'bad';
      const fresh = ['record', 'delivery', 'watch'].filter(part => now[part] !== said[part]).map(part => now[part]);
      Object.assign(said, now);
      if (fresh.length > 0) node.textContent = fresh.join('. ');
    }
  };
}

/**
 * What both the form and the bar above the notebook show: recorded, sent, and the time box.
 * @param {any} ctx
 * @param {{minutes: number|null, spoken: boolean}} options `spoken`: whether this one is read aloud; only one of a page is
 */
export function standing(ctx, { minutes, spoken }) {
  const sent = deliveryChip(ctx);
  const watch = watchChip(ctx);
  const shape = h('span', { class: 'rk-dot', 'aria-hidden': 'true' });
  const label = h('span', { class: 'rk-status-text' });
  const clock = h('span', { class: 'rk-clock' });
  const aloud = spoken ? announcer(ctx) : null;

  function tick() {
    watch.update();
    aloud?.update();
    const given = ctx.model.get('status').terms?.minutes ?? minutes; // an invite may change the time box
    const opened = Date.parse(fold(ctx.model.get('events').slice(0, 50)).opened ?? '');
    const now = Date.parse(ctx.model.get('state').submitted ?? '') || Date.now() + ctx.model.get('status').clockOffset;
    if (Number.isNaN(opened)) clock.textContent = given ? ctx.t('%1 minutes', given) : '';
    else {
      const spent = Math.max(0, Math.floor((now - opened) / 60000));
      clock.textContent = given ? ctx.t('%1 of %2 minutes', spent, given) : ctx.t('%1 minutes', spent);
    }
  }

  const timer = setInterval(tick, TICK_MS);
  return {
    nodes: [shape, label, sent.node, aloud?.node, h('span', { class: 'rk-grow' }), watch.node, clock],
    update() {
      const [tone, words] = recordWords(ctx, ctx.model.get('status'), ctx.model.get('state'));
      shape.className = `rk-dot rk-dot-${tone}`;
      shape.textContent = DOTS[tone];
      if (label.textContent !== words) label.textContent = words;
      label.title = words; // where the line is cut off
      sent.update();
      tick();
    },
    dispose: () => clearInterval(timer)
  };
}

/** The line above the notebook: in sight wherever one works. */
export function bar(ctx) {
  const line = standing(ctx, { minutes: ctx.spec.minutes ?? null, spoken: true });
  const show = h(
    'button',
    { class: 'rk-link', on: { click: () => ctx.model.act('show-record') } },
    ctx.t('What was recorded')
  );
  return {
    node: h('section', { class: 'rk-bar', 'aria-label': ctx.t('State of the record') }, line.nodes, show),
    update: line.update,
    dispose: line.dispose
  };
}

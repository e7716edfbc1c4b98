import { h } from './dom.js';
import { text } from './state.js';

const SIGNS = { ok: '✓', wait: '…', bad: '!' };

/** How sending to the intake stands: `[tone, words]`, or null where nothing is sent. */
export function deliveryWords(ctx, status, state) {
  const { delivery } = status;
  if (!delivery || status.mode !== 'live' || (status.terms && !state.agreed)) return null;
  const { t } = ctx;
  if (delivery.phase === 'offline') return ['bad', t('Offline: kept here, sent later')];
  if (delivery.phase === 'refused') return ['bad', t('Not sent: %1', text(delivery.message, 400))];
  if (delivery.phase !== 'sent' || status.recorded > delivery.sent_n) return ['wait', t('Sending…')];
  if (state.submitted) return delivery.receipt ? ['ok', t('Handed in')] : ['wait', t('Handing in…')];
  return ['ok', t('Sent')];
}

/** What a candidate reads after submitting: where the work is, and what to do when it could not be sent. */
export function handInWords(ctx, status) {
  const { delivery, terms } = status;
  if (!terms) return '';
  const { t } = ctx;
  const file = t('Download the notebook and send it to the people who invited you; they add it with: reviewkit intake add FILE --invite %1', text(status.record, 80));
  if (!terms.intake) return `${t('Submitted and recorded.')} ${file}`;
  if (delivery?.receipt) return t('Handed in. Receipt: %1. You can close this page.', text(delivery.receipt, 80));
  if (delivery?.phase === 'refused') return `${t('Recorded here, but not handed in: %1', text(delivery.message, 400))} ${file}`;
  if (delivery?.phase === 'offline')
    return `${t('Recorded here, but the network failed: it is handed in by itself when the connection is back and this server still runs.')} ${file}`;
  return t('Recorded. Handing in…');
}

/** The second half of the status line, as it is seen. */
export function deliveryChip(ctx) {
  const shape = h('span', { class: 'rk-dot', 'aria-hidden': 'true' });
  const label = h('span', { class: 'rk-delivery-text' });
  const node = h('span', { class: 'rk-delivery', hidden: true }, shape, label);
  return {
    node,
    update() {
      const found = deliveryWords(ctx, ctx.model.get('status'), ctx.model.get('state'));
      node.hidden = !found;
      if (!found) return;
      const [tone, words] = found;
      shape.className = `rk-dot rk-dot-${tone}`;
      shape.textContent = SIGNS[tone];
      if (label.textContent !== words) label.textContent = words;
      label.title = words;
    }
  };
}

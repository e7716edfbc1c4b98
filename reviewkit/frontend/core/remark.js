import { fill, h } from './dom.js';
import { markdown } from './markdown.js';
import { capital, placeText } from './composer.js';

const SHAPES = ['■', '▲', '●', '○'];

/** A severity as a shape and a word, so that nothing hangs on the colour. */
export function severityBadge(ctx, severity, severities) {
  const at = Math.max(0, severities.indexOf(severity));
  const shape = h('span', { class: 'rk-shape', 'aria-hidden': 'true' }, SHAPES[Math.min(at, SHAPES.length - 1)]);
  return h('span', { class: `rk-badge rk-sev-${at}` }, shape, ctx.t(capital(severity || '?')));
}

/** First words of a remark, for lists. */
export function gist(finding, max = 90) {
  const flat = finding.body
    .replaceAll(/^\s*(?:[-*+>]|#+|\d+[.)])\s+/gm, '')
    .replaceAll(/[`*]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return flat.length > max ? `${flat.slice(0, max - 1)}…` : flat;
}

function part(label, source) {
  return source.trim()
    ? h('div', { class: 'rk-part' }, h('div', { class: 'rk-part-label' }, label), markdown(source))
    : null;
}

function evidenceOf(ctx, state, finding) {
  return [...state.evidence.values()]
    .filter(item => item.finding === finding.id)
    .map(item =>
      h(
        'div',
        { class: 'rk-part' },
        h('div', { class: 'rk-part-label' }, ctx.t('Evidence')),
        `${item.outcome}: ${item.seen}`
      )
    );
}

/**
 * One recorded remark, shown at its place.
 * @param {{severities: string[], edit: () => void, remove: () => void, canWrite: boolean}} options
 */
export function remark(ctx, finding, { severities, edit, remove, canWrite }) {
  const actions = h('div', { class: 'rk-remark-actions' });
  const ask = () => {
    const keep = h('button', { class: 'rk-link', on: { click: offer } }, ctx.t('Keep'));
    fill(
      actions,
      h('span', {}, ctx.t('Delete this finding?')),
      h('button', { class: 'rk-link rk-danger', on: { click: remove } }, ctx.t('Delete it')),
      keep
    );
    keep.focus();
  };
  const offer = () =>
    fill(
      actions,
      h(
        'button',
        { class: 'rk-link', 'aria-label': ctx.t('Edit finding at %1', placeText(ctx, finding)), on: { click: edit } },
        ctx.t('Edit')
      ),
      h(
        'button',
        { class: 'rk-link', 'aria-label': ctx.t('Delete finding at %1', placeText(ctx, finding)), on: { click: ask } },
        ctx.t('Delete')
      )
    );
  if (canWrite) offer();
  const node = h(
    'article',
    {
      class: 'rk-remark',
      tabindex: -1,
      'aria-label': `${capital(finding.severity)} · ${placeText(ctx, finding)}`,
      'data-finding': finding.id
    },
    h(
      'header',
      { class: 'rk-remark-head' },
      h('span', { class: 'rk-dim' }, `#${finding.number}`),
      severityBadge(ctx, finding.severity, severities),
      h('span', { class: 'rk-tag' }, ctx.t(capital(finding.category))),
      h('span', { class: 'rk-place' }, placeText(ctx, finding)),
      finding.after_exercises ? h('span', { class: 'rk-tag' }, ctx.t('after exercises')) : null,
      actions
    ),
    markdown(finding.body),
    h(
      'div',
      { class: 'rk-parts' },
      part(ctx.t('Why it matters'), finding.why),
      part(ctx.t('What to do'), finding.fix),
      evidenceOf(ctx, ctx.model.get('state'), finding)
    )
  );
  node.addEventListener('keydown', event => {
    event.stopPropagation();
    if (!ctx.accel(event) && event.key === 'Escape') node.dispatchEvent(new CustomEvent('rk-leave', { bubbles: true }));
  });
  return node;
}

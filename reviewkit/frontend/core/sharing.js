import { fill, h, uid } from './dom.js';
import { clockTime } from './context.js';

/** What handing over the link permits, in the order of what matters most. */
function warnings(ctx, { guarded, local }) {
  const { t } = ctx;
  return [
    t('Whoever has this link can do on this server whatever you can: read and change every file, run any code, and write in this workbook in your name.'),
    t('There is no reading only, and it cannot be taken back. It ends when this server ends.'),
    t('Everything that either of you types, deletes or moves in the notebook is kept on this server, with its history, in the file .jupyter_ystore.db.'),
    t('The record will say that you handed over a link, and when, and under which name somebody joined. It will not hold the link.'),
    guarded ? '' : t('This server has no key in its address: whoever joins must also be let in by it, as a hub does with a login.'),
    local ? t('This server answers on this machine only, so the link works on this machine only.') : ''
  ].filter(Boolean);
}

/**
 * Handing the shared document over, where the server has one: one button, what it permits, the link.
 * Nothing is offered where notebooks are not shared, or before the record is live.
 */
export function sharing(ctx) {
  const panel = h('div', { class: 'rk-share-panel', id: uid('rk-share'), hidden: true });
  const say = h('p', { class: 'rk-say', role: 'status' });
  const open = h(
    'button',
    { class: 'rk-button', 'aria-expanded': 'false', 'aria-controls': panel.id, on: { click: () => (panel.hidden ? ask() : close()) } },
    ctx.t('Let somebody join this workbook…')
  );
  const since = h('p', { class: 'rk-share-since', hidden: true });
  const node = h('div', { class: 'rk-share', hidden: true }, h('div', { class: 'rk-actions' }, open), since, panel, say);

  function show(isOpen) {
    panel.hidden = !isOpen;
    open.setAttribute('aria-expanded', String(isOpen));
  }

  function close() {
    show(false);
    say.textContent = '';
    open.focus();
  }

  function ask() {
    const join = ctx.model.act('join');
    const copy = h('button', { class: 'rk-button rk-primary', on: { click: () => void hand(join) } }, ctx.t('Copy the link'));
    const leave = h('button', { class: 'rk-button', on: { click: close } }, ctx.t('Not now'));
    fill(
      panel,
      h('p', {}, ctx.t('Give the link to nobody but the person who interviews you.')),
      h('ul', {}, warnings(ctx, join).map(line => h('li', {}, line))),
      h('div', { class: 'rk-actions' }, copy, leave)
    );
    say.textContent = '';
    show(true);
    copy.focus();
  }

  async function hand(join) {
    ctx.model.op('document.shared', {}, `shared-${ctx.model.get('status').record}`.slice(0, 80));
    const field = h('input', { type: 'text', class: 'rk-share-link', readonly: true, value: join.link, 'aria-label': ctx.t('Link to join') });
    fill(panel, field, h('div', { class: 'rk-actions' }, h('button', { class: 'rk-button', on: { click: close } }, ctx.t('Close'))));
    field.focus();
    field.select();
    try {
      await navigator.clipboard.writeText(join.link); // missing on plain http
      say.textContent = ctx.t('Copied. Paste it where only your interviewer reads it.');
    } catch {
      say.textContent = ctx.t('Copy the link from the field, and paste it where only your interviewer reads it.');
    }
  }

  return {
    node,
    update() {
      const { mode } = ctx.model.get('status');
      const { agreed, submitted, shared } = ctx.model.get('state');
      const { terms } = ctx.model.get('status');
      node.hidden = mode !== 'live' || Boolean(submitted) || (Boolean(terms) && !agreed) || !ctx.model.can('join');
      since.hidden = !shared;
      if (shared) since.textContent = ctx.t('A link to join was handed over at %1. Whoever has it can do here whatever you can, until this server ends.', clockTime(shared));
    }
  };
}

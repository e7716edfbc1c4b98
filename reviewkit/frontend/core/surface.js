import { h, uid } from './dom.js';

/** The place of a remark about the whole change. */
export const WHOLE = { file: null, side: 'R', line: null, end_line: null };

/** The bar above the files: view, buttons for what keys do, and the keys. */
export function toolbar(form) {
  const { t } = form.ctx;
  form.views = ['unified', 'split'].map(view =>
    h(
      'button',
      { class: 'rk-toggle', on: { click: () => form.setView(view) } },
      view === 'unified' ? t('Unified') : t('Split')
    )
  );
  form.commentButton = h(
    'button',
    { class: 'rk-button', on: { click: () => form.steer.comment() } },
    t('Comment on line')
  );
  form.wholeButton = h(
    'button',
    { class: 'rk-button', on: { click: () => form.compose(WHOLE) } },
    t('Comment on the whole change')
  );
  const keys = [
    ['j k ↓ ↑', t('next, previous line')],
    ['n p', t('next, previous hunk')],
    ['Shift+↓ ↑', t('select several lines')],
    ['c Enter', t('comment')],
    ['Ctrl+Enter', t('save')],
    ['Esc', t('back')]
  ];
  const help = h(
    'details',
    { class: 'rk-keys' },
    h('summary', {}, t('Keys')),
    h(
      'dl',
      {},
      keys.map(([key, what]) =>
        h(
          'div',
          {},
          h(
            'dt',
            {},
            key.split(' ').map(one => [h('kbd', {}, one), ' '])
          ),
          h('dd', {}, what)
        )
      )
    )
  );
  return h(
    'div',
    { class: 'rk-toolbar' },
    h('div', { class: 'rk-toggles', role: 'group', 'aria-label': t('View') }, form.views),
    form.commentButton,
    form.wholeButton,
    h('span', { class: 'rk-grow' }),
    help
  );
}

/** The frame of one file: head with fold and counts, remarks about the whole file, and the place of its rows. */
export function fileNode(form, file) {
  const { t, tn } = form.ctx;
  const { data } = file;
  const title = uid();
  file.grid = h('div', { class: 'rk-grid-place', id: uid() });
  file.notes = h('div', { class: 'rk-notes' });
  const slash = data.path.lastIndexOf('/') + 1;
  file.toggle = h(
    'button',
    {
      class: 'rk-fold',
      'aria-expanded': 'false',
      'aria-controls': file.grid.id,
      on: { click: () => (file.open ? form.shut(file) : form.open(file)) }
    },
    h('span', { class: 'rk-caret', 'aria-hidden': 'true' }),
    h('span', { class: 'rk-dim' }, data.path.slice(0, slash)),
    h('strong', {}, data.path.slice(slash))
  );
  file.comment = h(
    'button',
    {
      class: 'rk-link',
      'aria-label': t('Comment on file %1', data.path),
      on: { click: () => form.compose({ ...WHOLE, file: data.path }) }
    },
    t('Comment on file')
  );
  const status = { added: t('added'), removed: t('removed'), modified: t('modified') }[data.status];
  file.count = h('span', { class: 'rk-dim' });
  file.node = h(
    'section',
    { class: 'rk-file', 'aria-labelledby': title },
    h(
      'div',
      { class: 'rk-file-head' },
      h('h4', { id: title }, file.toggle),
      h('span', { class: 'rk-tag' }, status),
      h('span', { class: 'rk-plus' }, `+${data.added}`),
      h('span', { class: 'rk-minus' }, `−${data.removed}`),
      file.count,
      h('span', { class: 'rk-grow' }),
      file.comment
    ),
    file.notes,
    file.grid
  );
  file.count.textContent = tn('%1 row', '%1 rows', data.size);
  return file.node;
}

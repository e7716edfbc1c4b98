import { answersTo, autosave, exerciseLock } from './context.js';
import { labelled } from './bundle.js';
import { field, fill, h, uid } from './dom.js';
import { exerciseCard } from './forms.js';
import { text } from './state.js';

/** Follow a request through the layers: an ordered list and a select per mark, all buttons and native fields. */
export function trace(ctx) {
  const { frame, id, item } = exerciseCard(ctx, 'trace');
  const layers = labelled(item.layers, 'label');
  const marks = labelled(item.marks, 'label');
  const name = layer => layers.find(one => one.id === layer)?.label ?? layer;
  let order = [];
  const route = h('ol', { class: 'rk-route' });
  const rest = h('ul', { class: 'rk-rest' });
  const say = h('span', { class: 'rk-vh', role: 'status' });
  const selects = marks.map(mark =>
    field(
      mark.label,
      h(
        'select',
        {},
        h('option', { value: '' }, ctx.t('Choose a layer…')),
        layers.map(layer => h('option', { value: layer.id }, layer.label))
      )
    )
  );
  const notes = field(
    ctx.t('Notes to your drawing'),
    h('textarea', { rows: 3, spellcheck: 'true' }),
    { wide: true, hint: ctx.t('optional: what is unsure, what you would ask') }
  );
  const titles = [
    h('h4', { id: uid() }, ctx.t('Route, first to last')),
    h('h4', { id: uid() }, ctx.t('Layers not on the route'))
  ];
  route.setAttribute('aria-labelledby', titles[0].id);
  rest.setAttribute('aria-labelledby', titles[1].id);
  const root = h(
    'fieldset',
    { class: 'rk-plain' },
    h('legend', { class: 'rk-vh' }, ctx.t('Your answer')),
    h('div', { class: 'rk-trace-columns' }, h('div', {}, titles[1], rest), h('div', {}, titles[0], route)),
    marks.length > 0 && h('h4', {}, ctx.t('On which layer?')),
    h(
      'div',
      { class: 'rk-fields' },
      selects.map(one => one.node),
      notes.node
    ),
    say
  );
  const change = (next, message, focus) => {
    order = next;
    draw();
    say.textContent = message;
    root.querySelector(focus)?.focus();
    saving.touched();
  };
  /** Another page changed the drawing: a button that has the focus keeps it, or gives it to the drawing. */
  const redraw = () => {
    const act = root.contains(document.activeElement) ? document.activeElement.dataset.act : undefined;
    draw();
    if (!act) return;
    say.textContent = ctx.t('The drawing was changed in another page');
    (root.querySelector(`[data-act="${CSS.escape(act)}"]:not(:disabled)`) ?? root.querySelector('.rk-route button:not(:disabled), .rk-rest button'))?.focus();
  };
  const draw = () => {
    const act = (label, sign, disabled, click, key) =>
      h(
        'button',
        { class: 'rk-icon', 'aria-label': label, title: label, disabled, 'data-act': key, on: { click } },
        sign
      );
    fill(
      route,
      order.length === 0
        ? h('li', { class: 'rk-empty' }, ctx.t('Empty. Add the layers in the order in which the request crosses them.'))
        : order.map((layer, at) => {
            const move = to =>
              change(
                order.toSpliced(at, 1).toSpliced(to, 0, layer),
                ctx.t('%1 is now number %2', name(layer), to + 1),
                `[data-act="${CSS.escape(`${to < at ? 'up' : 'down'}:${layer}`)}"]:not(:disabled), [data-act="${CSS.escape(`${to < at ? 'down' : 'up'}:${layer}`)}"]`
              );
            return h(
              'li',
              {},
              h('span', { class: 'rk-route-name' }, name(layer)),
              act(ctx.t('Move %1 up', name(layer)), '↑', at === 0, () => move(at - 1), `up:${layer}`),
              act(
                ctx.t('Move %1 down', name(layer)),
                '↓',
                at === order.length - 1,
                () => move(at + 1),
                `down:${layer}`
              ),
              act(
                ctx.t('Take %1 off the route', name(layer)),
                '×',
                false,
                () =>
                  change(
                    order.toSpliced(at, 1),
                    ctx.t('%1 taken off', name(layer)),
                    `[data-act="${CSS.escape(`add:${layer}`)}"]`
                  ),
                `off:${layer}`
              )
            );
          })
    );
    const off = layers.filter(layer => !order.includes(layer.id));
    fill(
      rest,
      off.length === 0
        ? h('li', { class: 'rk-empty' }, ctx.t('All layers are on the route.'))
        : off.map(layer =>
            h(
              'li',
              {},
              h('span', { class: 'rk-route-name' }, layer.label),
              act(
                ctx.t('Add %1 to the route', layer.label),
                '+',
                false,
                () =>
                  change(
                    [...order, layer.id],
                    ctx.t('%1 added as number %2', layer.label, order.length + 1),
                    '.rk-rest button'
                  ),
                `add:${layer.id}`
              )
            )
          )
    );
  };
  const saving = autosave(ctx, {
    name: `answer:${id}`,
    root,
    collect: () => ({
      order,
      marks: Object.fromEntries(
        marks.map((mark, at) => [mark.id, selects[at].control.value]).filter(([, value]) => value)
      ),
      ...(notes.control.value.trim() && { notes: notes.control.value })
    }),
    show: value => {
      order = (Array.isArray(value.order) ? value.order : []).filter(layer => layers.some(one => one.id === layer));
      marks.forEach((mark, at) => (selects[at].control.value = text(value.marks?.[mark.id], 80)));
      if (notes.control.value !== text(value.notes)) notes.control.value = text(value.notes);
      redraw();
    },
    answers: () => answersTo(ctx, id),
    recorded: () => ctx.model.get('state').exercises.get(id)?.answer ?? null,
    record: answer => ctx.model.op('exercise.answered', { exercise: id, answer })
  });
  draw();
  frame.body.append(root);
  frame.aside.append(saving.state);
  return {
    node: frame.node,
    update() {
      const reason = exerciseLock(ctx, { kind: 'trace', id });
      frame.lock(reason);
      root.disabled = Boolean(reason);
      saving.update();
    },
    dispose: saving.dispose
  };
}

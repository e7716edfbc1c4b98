const PAGE = 25;

/**
 * Moving through the rows of a change by keyboard and mouse, and choosing lines.
 *
 * One row is in the tab order (roving tabindex). A choice runs from `anchor` to `current` within one file.
 */
export function steer(form) {
  const state = { current: null, anchor: null, side: null, dragging: false, marked: [] };
  const { node: root, ctx } = form;

  const at = () => form.rows.indexOf(state.current);

  function range() {
    if (!state.current) return [];
    const [one, two] = [form.rows.indexOf(state.anchor ?? state.current), at()].sort((a, b) => a - b);
    return form.rows.slice(Math.max(one, 0), two + 1).filter(row => row.rk.file === state.current.rk.file);
  }

  function mark() {
    for (const row of state.marked) {
      row.classList.remove('rk-chosen');
      row.removeAttribute('aria-selected');
    }
    state.marked = range();
    for (const row of state.marked) {
      row.classList.add('rk-chosen');
      row.setAttribute('aria-selected', 'true');
    }
  }

  function moveTo(row, { focus = true, extend = false, scroll = true } = {}) {
    if (!row) return;
    if (extend && row.rk.file !== state.current?.rk.file) return;
    if (state.current) state.current.tabIndex = -1;
    state.current = row;
    row.tabIndex = 0;
    if (!extend) {
      state.anchor = row;
      state.side = null;
    }
    mark();
    if (focus) row.focus({ preventScroll: true });
    if (focus && scroll) row.scrollIntoView({ block: 'nearest' });
  }

  /** The lines chosen, as a place. New lines win over old ones unless only old ones, or the old column, were chosen. */
  function place() {
    const rows = range();
    if (rows.length === 0) return null;
    const numbers = side => rows.map(row => row.rk[side]).filter(value => value !== null);
    const side = state.side === 'L' && numbers('L').length > 0 ? 'L' : numbers('R').length > 0 ? 'R' : 'L';
    const lines = numbers(side);
    return {
      file: form.files[state.current.rk.file].data.path,
      side,
      line: Math.min(...lines),
      end_line: Math.max(...lines)
    };
  }

  function comment() {
    if (!state.current) moveTo(form.rows[0], { focus: false });
    const where = place();
    if (where) form.compose(where);
  }

  function hunk(step) {
    for (let next = at() + step; next >= 0 && next < form.rows.length; next += step)
      if (form.rows[next].rkHunk) return form.rows[next];
    return null;
  }

  const step = n => form.rows[Math.min(Math.max(at() + n, 0), form.rows.length - 1)];
  const keys = {
    j: () => moveTo(step(1)),
    k: () => moveTo(step(-1)),
    ArrowDown: event => moveTo(step(1), { extend: event.shiftKey }),
    ArrowUp: event => moveTo(step(-1), { extend: event.shiftKey }),
    J: () => moveTo(step(1), { extend: true }),
    K: () => moveTo(step(-1), { extend: true }),
    PageDown: () => moveTo(step(PAGE)),
    PageUp: () => moveTo(step(-PAGE)),
    Home: () => moveTo(form.rows[0]),
    End: () => moveTo(form.rows.at(-1)),
    n: () => moveTo(hunk(1)),
    p: () => moveTo(hunk(-1)),
    c: comment,
    Enter: comment,
    Escape: () => moveTo(state.current)
  };

  function onKey(event) {
    if (!event.target.classList.contains('rk-row')) return void ctx.accel(event);
    if (event.ctrlKey || event.metaKey || event.altKey) return void ctx.accel(event);
    const letter = event.key.length === 1;
    if (letter && !ctx.env.singleKeys) return;
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : null;
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act(event);
  }

  const rowOf = event => event.target.closest?.('.rk-row') ?? null;
  const inNumbers = event => event.target.closest?.('.rk-no') ?? null;

  function onDown(event) {
    const row = rowOf(event);
    const cell = inNumbers(event);
    if (!row || !cell || event.button !== 0) return;
    event.preventDefault();
    moveTo(row, { extend: event.shiftKey && state.current !== null });
    if (!event.shiftKey) state.side = cell.dataset.side === 'L' && row.rk.L !== null ? 'L' : null;
    state.dragging = true;
  }

  function onOver(event) {
    const row = state.dragging ? rowOf(event) : null;
    if (row && row !== state.current) moveTo(row, { extend: true, scroll: false });
  }

  function onUp() {
    if (!state.dragging) return;
    state.dragging = false;
    comment();
  }

  function onClick(event) {
    const row = rowOf(event);
    if (!row || inNumbers(event) || String(document.getSelection()) !== '') return;
    moveTo(row, { scroll: false, extend: event.shiftKey });
  }

  root.addEventListener('keydown', onKey);
  root.addEventListener('mousedown', onDown);
  root.addEventListener('mouseover', onOver);
  root.addEventListener('click', onClick);
  document.addEventListener('mouseup', onUp);

  return {
    get current() {
      return state.current;
    },
    moveTo,
    comment,
    place,
    /** Rows were built or folded: make sure that one visible row can be reached with Tab. */
    reset() {
      if (!form.rows.includes(state.current)) {
        state.current = null;
        state.anchor = null;
        state.marked = [];
        if (form.rows[0]) moveTo(form.rows[0], { focus: false });
      }
    },
    dispose() {
      document.removeEventListener('mouseup', onUp);
    }
  };
}

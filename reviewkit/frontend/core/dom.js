/** Small helpers that build DOM nodes. Text only ever becomes a text node, never markup. */

// Lumino looks for this attribute on the focused element itself; on an ancestor it comes too late,
// and JupyterLab's single-letter commands (insert, delete, convert a cell) would fire inside a form.
export const QUIET = 'data-lm-suppress-shortcuts';

const FOCUSABLE = new Set(['button', 'input', 'select', 'textarea', 'summary', 'a']);
const PROPERTIES = new Set(['value', 'checked', 'disabled', 'hidden', 'selected', 'open', 'required', 'rows']);

/**
 * Build an element.
 * @param {string} tag
 * @param {Object<string, any>} [props] `class`, `on` (event → listener), properties, attributes; null and false are left out
 * @param {...(Node|string|null|undefined|false|Array)} children
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  if (FOCUSABLE.has(tag) || 'tabindex' in props) node.setAttribute(QUIET, 'true');
  if (tag === 'button') node.type = 'button';
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') node.className = value;
    else if (name === 'on')
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (PROPERTIES.has(name)) node[name] = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  append(node, children);
  return node;
}

/** Append nodes and strings, flattening arrays and dropping empty values. */
export function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child);
  }
  return node;
}

/** Replace all children of a node. */
export function fill(node, ...children) {
  node.replaceChildren();
  return append(node, children);
}

let counter = 0;

/** An id that is unique in this page, for labels and descriptions. */
export function uid(prefix = 'rk') {
  counter += 1;
  return `${prefix}-${counter}-${Math.floor(performance.now())}`;
}

/** A random hexadecimal id. `crypto.randomUUID` is missing on plain http, so it is not used. */
export function randomId(bytes = 8) {
  const raw = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(raw, value => value.toString(16).padStart(2, '0')).join('');
}

/** A labelled field: the label is a real `<label>` and errors are tied to the control. */
export function field(label, control, { hint = '', wide = false } = {}) {
  const id = uid('rk-field');
  control.id = id;
  const error = h('div', { class: 'rk-error', id: `${id}-error` });
  const help = hint ? h('span', { class: 'rk-hint', id: `${id}-hint` }, hint) : null;
  if (help) control.setAttribute('aria-describedby', help.id);
  const node = h(
    'div',
    { class: wide ? 'rk-field rk-wide' : 'rk-field' },
    h('label', { for: id }, label, help && ' ', help),
    control,
    error
  );
  return {
    node,
    control,
    fail(message) {
      error.textContent = message;
      control.toggleAttribute('aria-invalid', Boolean(message));
      if (message) control.setAttribute('aria-invalid', 'true');
      const described = [help?.id, message ? error.id : null].filter(Boolean).join(' ');
      if (described) control.setAttribute('aria-describedby', described);
      else control.removeAttribute('aria-describedby');
    }
  };
}

/** A group of radio buttons drawn as one segmented control. */
export function choices(legend, options, { value = null, onChange = () => {}, labelledby = null } = {}) {
  const name = uid('rk-choice');
  const inputs = options.map(option =>
    h('input', {
      type: 'radio',
      name,
      value: option.id,
      id: uid('rk-radio'),
      checked: option.id === value,
      on: { change: () => onChange(option.id) }
    })
  );
  const error = h('div', { class: 'rk-error', id: uid('rk-error') });
  const node = h(
    'fieldset',
    { class: 'rk-choices', 'aria-labelledby': labelledby },
    h('legend', { class: labelledby ? 'rk-vh' : 'rk-label' }, legend),
    h(
      'div',
      { class: 'rk-segments' },
      inputs.map((input, at) => [
        input,
        h('label', { for: input.id, class: options[at].class ?? '' }, options[at].label)
      ])
    ),
    error
  );
  return {
    node,
    inputs,
    get value() {
      return inputs.find(input => input.checked)?.value ?? null;
    },
    set value(next) {
      for (const input of inputs) input.checked = input.value === next;
    },
    fail(message) {
      error.textContent = message;
      for (const input of inputs) {
        if (message) input.setAttribute('aria-describedby', error.id);
        else input.removeAttribute('aria-describedby');
      }
    },
    focus: () => (inputs.find(input => input.checked) ?? inputs[0]).focus()
  };
}

/** Whether the key event asks to save what is being written. */
export function isAccelEnter(event) {
  return event.key === 'Enter' && (event.ctrlKey || event.metaKey);
}

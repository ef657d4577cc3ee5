/** Elements from data. Text only ever becomes text nodes: nothing here parses markup. */

/** `h('a', { href: '#/', onclick: … }, 'text', child)`; null and false children are left out. */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked') element[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** New children in place of the old; what had the focus and what was folded open stays so, by `data-key`. */
export function replace(container, ...children) {
  const focused = container.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const toggled = new Map([...container.querySelectorAll('details[data-key]')].map((details) => [details.dataset.key, details.open]));
  container.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  for (const details of container.querySelectorAll('details[data-key]')) details.open = toggled.get(details.dataset.key) ?? details.open;
  if (focused !== undefined) container.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

/** A word for everybody, read out where somebody listens. */
export function announce(text, kind = 'plain') {
  const told = document.getElementById('told');
  const line = h('p', { class: `toast ${kind}` }, text);
  told.append(line);
  setTimeout(() => line.remove(), 6000);
}

/** A dialog with a form. Resolves with the values, or undefined where it was left. `submit` may throw: its words are shown and the dialog stays. */
export function ask({ title, note, fields, action, danger = false, submit = async (values) => values }) {
  return new Promise((resolve) => {
    const mistake = h('p', { class: 'mistake', role: 'alert' });
    const button = h('button', { class: danger ? 'danger' : 'primary', type: 'submit' }, action);
    const form = h('form', { method: 'dialog' },
      h('h2', { id: 'dialog-title' }, title),
      note && h('p', { class: 'quiet' }, note),
      fields,
      mistake,
      h('div', { class: 'actions' }, h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'), button),
    );
    const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' }, form);
    let result;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        result = (await submit(Object.fromEntries(new FormData(form)))) ?? true;
        dialog.close();
      } catch (error) {
        mistake.replaceChildren(error.message);
      } finally {
        button.disabled = false;
      }
    });
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(result);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

export const confirm = (options) => ask({ fields: [], ...options });

export function field(label, control, hint) {
  const id = `field-${control.getAttribute('name')}`;
  control.id = id;
  if (hint !== undefined) control.setAttribute('aria-describedby', `${id}-hint`);
  return h('div', { class: 'field' }, h('label', { for: id }, label), control, hint !== undefined && h('p', { id: `${id}-hint`, class: 'hint' }, hint));
}

export const empty = (text, ...more) => h('div', { class: 'empty' }, h('p', {}, text), ...more);

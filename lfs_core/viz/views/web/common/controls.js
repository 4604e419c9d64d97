// What a reader moves and chooses.

import { button, h } from "./elements.js";

/**
 * A slider with its name and value, from 0 to 1 or over a list of numbers.
 *
 * @param {string} text
 * @param {number} value the number, or its place in the list
 * @param {(value: number) => void} oninput is told the same
 * @param {number[] | null} [numbers]
 */
export function slider(text, value, oninput, numbers = null) {
  /** @param {number} at */
  const read = (at) => (numbers ? numbers[at] : at).toFixed(2).replace("-", "\u2212");
  const shown = h("output", {}, read(value));
  const range = numbers ? { max: numbers.length - 1, step: 1 } : { max: 1, step: 0.01 };
  // The name is without the value, which would change it.
  const input = h("input", { type: "range", "aria-label": text, min: 0, ...range, value });
  const say = () => {
    shown.textContent = read(Number(input.value));
    if (numbers) input.setAttribute("aria-valuetext", shown.textContent);
  };
  say();
  input.addEventListener("input", () => {
    say();
    oninput(Number(input.value));
  });
  return h("label", {}, text, input, shown);
}

/**
 * A choice of several.
 *
 * @param {string} text
 * @param {Record<string, string>} choices what is read, by value
 * @param {string | number} value
 * @param {(value: string) => void} onchange
 */
export function chooser(text, choices, value, onchange) {
  const options = Object.entries(choices).map(([key, name]) => h("option", { value: key }, name));
  const select = h("select", { "aria-label": text }, ...options);
  select.value = String(value);
  select.addEventListener("change", () => onchange(select.value));
  return h("label", {}, `${text} `, select);
}

/**
 * @param {string} text
 * @param {boolean} checked
 * @param {(checked: boolean) => void} onchange
 */
export function checkbox(text, checked, onchange) {
  const input = h("input", { type: "checkbox", checked });
  input.addEventListener("change", () => onchange(input.checked));
  return h("label", {}, input, text);
}

/**
 * How maps are shown: beside their photographs or over them, and then how opaque.
 *
 * @param {{ opacity: number, apart: boolean }} how is changed
 * @param {() => void} redraw
 * @param {{ opacity: string, apart: string }} names
 * @returns {{ over: HTMLElement, apart: HTMLElement }}
 */
export function layering(how, redraw, names) {
  const over = slider(names.opacity, how.opacity, (value) => {
    how.opacity = value;
    redraw();
  });
  over.hidden = how.apart;
  const apart = checkbox(names.apart, how.apart, (checked) => {
    how.apart = checked;
    over.hidden = checked;
    redraw();
  });
  return { over, apart };
}

/**
 * Earlier and later parts of a long list.
 *
 * @param {number} start
 * @param {number} size of a part
 * @param {number} total
 * @param {(start: number) => void} go
 */
export function pager(start, size, total, go) {
  const end = Math.min(start + size, total);
  return h(
    "div",
    { class: "lfs-bar" },
    button("\u2039 Earlier", () => go(start - size), { disabled: start === 0 }),
    h("output", {}, `${total ? start + 1 : 0}\u2013${end} of ${total}`),
    button("Later \u203a", () => go(start + size), { disabled: end === total }),
  );
}

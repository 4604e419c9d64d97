// What a reader moves and chooses.

/** @import { How } from "./types.d.ts" */

import { decimals } from "./bytes.js";
import { button, enable, h } from "./elements.js";

/**
 * A slider with its name and value, from 0 to 1 or over a list of numbers.
 *
 * @param {string} text
 * @param {number} value the number, or its place in the list
 * @param {(value: number) => void} oninput is told the same
 * @param {number[] | null} [numbers]
 */
export function slider(text, value, oninput, numbers = null) {
  const shown = h("output");
  const range = numbers ? { max: numbers.length - 1, step: 1 } : { max: 1, step: 0.01 };
  // The name is without the value, which would change it.
  const input = h("input", { type: "range", "aria-label": text, min: 0, ...range, value });
  function say() {
    const at = Number(input.value);
    shown.textContent = decimals(numbers ? numbers[at] : at, 2);
    if (numbers) input.setAttribute("aria-valuetext", shown.textContent);
    return at;
  }
  say();
  input.addEventListener("input", () => oninput(say()));
  return h("label", {}, text, input, shown);
}

/**
 * A choice of several.
 *
 * @param {string} text
 * @param {Record<string, string>} options what is read, by value
 * @param {string | number} value
 * @param {(value: string) => void} onchange
 */
export function chooser(text, options, value, onchange) {
  const all = Object.entries(options).map(([key, name]) => h("option", { value: key }, name));
  const select = h("select", { "aria-label": text }, ...all);
  select.value = String(value);
  select.addEventListener("change", () => onchange(select.value));
  return h("label", {}, `${text} `, select);
}

/** @type {(text: string, checked: boolean, onchange: (checked: boolean) => void) => HTMLElement} */
export function checkbox(text, checked, onchange) {
  const input = h("input", { type: "checkbox", checked });
  input.addEventListener("change", () => onchange(input.checked));
  return h("label", {}, input, text);
}

/**
 * How maps are drawn: above which value, next to their photographs or over them, and how opaque.
 *
 * @param {How} how is changed
 * @param {() => void} redraw
 */
export function layering(how, redraw) {
  /** @param {Partial<How>} changes */
  function change(changes) {
    Object.assign(how, changes);
    over.hidden = how.apart;
    redraw();
  }
  const apart = checkbox("Maps next to the photographs", how.apart, (on) => change({ apart: on }));
  const above = slider("Show what is above \u03be\u2082", how.threshold, (threshold) =>
    change({ threshold }),
  );
  const over = slider("Opacity of the maps", how.opacity, (opacity) => change({ opacity }));
  over.hidden = how.apart;
  return [apart, above, over];
}

/**
 * Buttons that lead back and on.
 *
 * @param {(by: -1 | 1) => void} go
 * @param {string} [what] they lead to
 */
export function turning(go, what = "") {
  const back = button("\u2039 Previous", () => go(-1), { "aria-label": `Previous${what}` });
  const on = button("Next \u203a", () => go(1), { "aria-label": `Next${what}` });
  return {
    back,
    on,
    /** @type {(at: number, count: number) => void} where the reader is; -1 for elsewhere */
    show(at, count) {
      enable(back, count > 0 && at !== 0, on);
      enable(on, count > 0 && at !== count - 1, back);
    },
  };
}

/**
 * Parts of a long list.
 *
 * @param {number} start
 * @param {number} size of a part
 * @param {number} total
 * @param {(start: number) => void} go
 */
export function pager(start, size, total, go) {
  const end = Math.min(start + size, total);
  const { back, on, show } = turning((by) => go(start + by * size), " photographs");
  show(start / size, Math.ceil(total / size));
  const place = h("output", {}, `${total ? start + 1 : 0}\u2013${end} of ${total}`);
  return h("div", { class: "lfs-bar" }, back, place, on);
}

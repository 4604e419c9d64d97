// Elements, and how keys move among them.

/** @import { Child, Properties } from "./types.d.ts" */

/**
 * An element with its properties and children.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, String(value));
  }
  // Else JupyterLab would take keys for its own: "d d" deletes the cell.
  if (node.tabIndex >= 0 || tag === "dialog") node.dataset.lmSuppressShortcuts = "true";
  node.append(...children.filter((child) => child != null).map(asNode));
  return node;
}

// What is not seen, or turns round how all that follows is read.
// eslint-disable-next-line no-control-regex
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/**
 * What is to be shown, as a part of the page.
 *
 * @param {Child} child
 */
export const asNode = (child) =>
  child instanceof Node ? child : String(child).replace(INVISIBLE, "\ufffd");

/**
 * @param {string} text
 * @param {() => void} onclick
 * @param {Properties} [properties]
 */
export const button = (text, onclick, properties = {}) =>
  h("button", { type: "button", onclick, ...properties }, text);

/**
 * A heading within a view.
 *
 * @param {string} text
 */
export const title = (text) => h("p", { class: "lfs-title" }, text);

/**
 * A picture that the book does not darken on dark pages, as it does without this class.
 *
 * @param {string | null} src
 * @param {string} [alt]
 * @param {Properties} [properties]
 */
export const photograph = (src, alt = "", properties = {}) =>
  h("img", { src, alt, class: "dark-light", ...properties });

/**
 * A button that is disabled while it has the focus hands it on.
 *
 * @param {HTMLButtonElement} one
 * @param {boolean} enabled
 * @param {HTMLElement} otherwise
 */
export function enable(one, enabled, otherwise) {
  const focused = document.activeElement === one;
  one.disabled = !enabled;
  if (focused && !enabled) otherwise.focus();
}

/**
 * Which of several elements a key leads to; they lie in lines.
 *
 * @param {string} key
 * @param {HTMLElement[]} items
 * @param {number} place
 * @returns {number | undefined}
 */
function placeAfter(key, items, place) {
  const perLine = items.filter((item) => item.offsetTop === items[0].offsetTop).length;
  /** @type {Record<string, number>} */
  const targets = {
    ArrowRight: place + 1,
    ArrowLeft: place - 1,
    ArrowDown: place + perLine,
    ArrowUp: place - perLine,
    Home: 0,
    End: items.length - 1,
  };
  return targets[key];
}

/**
 * One of several elements is in the tab order; arrows, Home and End move among them.
 *
 * @param {HTMLElement} group
 * @param {string} selector of the elements
 * @param {(item: HTMLElement) => void} [chosen] is told where the reader has moved
 */
export function moveWithArrows(group, selector, chosen = () => {}) {
  const all = () => /** @type {HTMLElement[]} */ ([...group.querySelectorAll(selector)]);
  /** @param {HTMLElement} item */
  const enter = (item) => all().forEach((other) => (other.tabIndex = other === item ? 0 : -1));
  group.addEventListener("focusin", ({ target }) => {
    const item = target instanceof Element ? target.closest(selector) : null;
    if (item instanceof HTMLElement) enter(item);
  });
  group.addEventListener("keydown", (event) => {
    const items = all();
    const place = items.findIndex((item) => item === document.activeElement);
    if (place < 0) return;
    const target = placeAfter(event.key, items, place);
    if (target === undefined) return;
    event.preventDefault();
    if (!items[target]) return;
    items[target].focus();
    chosen(items[target]);
  });
  const current = group.querySelector(`${selector}[aria-current="true"]`);
  const first = current instanceof HTMLElement ? current : all()[0];
  if (first) enter(first);
}

/**
 * Scrolls a list so that one of its items is seen, and nothing but the list.
 *
 * @param {HTMLElement} list
 * @param {Element} item
 */
export function keepInSight(list, item) {
  const [box, row] = [list.getBoundingClientRect(), item.getBoundingClientRect()];
  if (row.top < box.top) list.scrollTop += row.top - box.top;
  if (row.bottom > box.bottom) list.scrollTop += row.bottom - box.bottom;
}

/**
 * Marks the chosen one among a group's children; there keys enter the group, too.
 *
 * @param {HTMLElement} group
 * @param {number} k
 */
export function mark(group, k) {
  [...group.children].forEach((one, at) => {
    one.setAttribute("aria-current", String(at === k));
    if (one instanceof HTMLElement) one.tabIndex = at === k ? 0 : -1;
  });
}

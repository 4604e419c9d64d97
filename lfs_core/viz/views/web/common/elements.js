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

/** @type {(node: HTMLElement, html: string) => void} shows what Python wrote; keys are as in `h` */
export function write(node, html) {
  node.innerHTML = html;
  for (const one of node.querySelectorAll("button")) one.dataset.lmSuppressShortcuts = "true";
}

// What is not seen, or turns round how all that follows is read.
// eslint-disable-next-line no-control-regex
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** @type {(child: Child) => Node | string} what is to be shown, as a part of the page */
export const asNode = (child) =>
  child instanceof Node ? child : String(child).replace(INVISIBLE, "\ufffd");

/** @type {(text: string, onclick: () => void, properties?: Properties) => HTMLButtonElement} */
export const button = (text, onclick, properties = {}) =>
  h("button", { type: "button", onclick, ...properties }, text);

/** @param {string} text of a heading within a view */
export const title = (text) => h("p", { class: "lfs-title" }, text);

/** @param {string} text what was wrong */
export const alarm = (text = "") => h("p", { role: "alert", class: "lfs-alert" }, text);

/**
 * A picture that the book does not darken on dark pages, as it does without this class.
 *
 * @type {(src: string | null, alt: string, properties?: Properties) => HTMLImageElement}
 */
export const photograph = (src, alt, properties = {}) =>
  h("img", { src, alt, class: "dark-light", ...properties });

/**
 * A button that is disabled while it has the focus hands it on.
 *
 * @type {(one: HTMLButtonElement, enabled: boolean, otherwise: HTMLElement) => void}
 */
export function enable(one, enabled, otherwise) {
  const focused = document.activeElement === one;
  one.disabled = !enabled;
  if (focused && !enabled) otherwise.focus();
}

/**
 * One of several elements, which lie in lines, is in the tab order; arrows, Home and End move
 * among them.
 *
 * @param {HTMLElement} group
 * @param {string} selector of the elements
 * @param {(item: HTMLElement) => void} [chosen] is told where the reader has moved
 */
export function moveWithArrows(group, selector, chosen = () => {}) {
  const all = () => /** @type {HTMLElement[]} */ ([...group.querySelectorAll(selector)]);
  /** @param {HTMLElement | undefined} item */
  const enter = (item) => all().forEach((other) => (other.tabIndex = other === item ? 0 : -1));
  group.addEventListener("focusin", ({ target }) => {
    const item = all().find((one) => one.contains(/** @type {Node} */ (target)));
    if (item) enter(item);
  });
  group.addEventListener("keydown", (event) => {
    const items = all();
    const place = items.findIndex((item) => item === document.activeElement);
    if (place < 0) return;
    const line = items.filter((item) => item.offsetTop === items[0].offsetTop).length;
    const [start, end] = [-place, items.length - 1 - place];
    /** @type {Record<string, number>} */
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: line, ArrowUp: -line, Home: start, End: end };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const target = items[place + steps[event.key]];
    if (!target) return;
    target.focus();
    chosen(target);
  });
  enter(all()[0]);
}

/**
 * Buttons of which one is chosen, by a click or with arrow keys.
 *
 * @param {string} name of its class
 * @param {string} label
 * @param {...HTMLButtonElement} buttons
 */
export function choices(name, label, ...buttons) {
  const group = h("div", { class: name, role: "group", "aria-label": label }, ...buttons);
  moveWithArrows(group, "button", (chosen) => chosen.click());
  return group;
}

/**
 * Marks the chosen one among a group's children; there keys enter the group, too.
 *
 * @type {(group: HTMLElement, k: number) => void}
 */
export function mark(group, k) {
  [...group.children].forEach((one, at) => {
    one.setAttribute("aria-current", String(at === k));
    if (one instanceof HTMLElement) one.tabIndex = at === k ? 0 : -1;
  });
}

/**
 * Scrolls a list so that one of its items is seen, and nothing but the list.
 *
 * @type {(list: HTMLElement, item: Element) => void}
 */
export function keepInSight(list, item) {
  const [box, row] = [list.getBoundingClientRect(), item.getBoundingClientRect()];
  if (row.top < box.top) list.scrollTop += row.top - box.top;
  if (row.bottom > box.bottom) list.scrollTop += row.bottom - box.bottom;
}

// Views in pages that have no Python.

/** @import { Model, Place } from "./types.d.ts" */

/**
 * Shows a view wherever in the page its contents wait.
 *
 * @param {string} view
 * @param {(place: Place) => unknown} render
 * @param {(contents: any) => Model} model of the contents
 */
export function eachPage(view, render, model) {
  const waiting = document.querySelectorAll(`.lfs-page[data-view="${view}"]:not([data-shown])`);
  for (const el of /** @type {NodeListOf<HTMLElement>} */ (waiting)) {
    el.dataset.shown = "";
    const data = el.querySelector("script[type='application/json']");
    render({ model: model(JSON.parse(data?.textContent ?? "")), el });
  }
}

/**
 * A model that is asked nothing.
 *
 * @param {unknown} contents
 * @returns {Model}
 */
export const stillModel = (contents) => ({
  get: () => contents,
  set() {},
  on() {},
  off() {},
  save_changes() {},
});

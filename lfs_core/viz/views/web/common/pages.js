// Shows a view wherever in a page its contents wait. It follows the view's own code, in a page
// without Python.

/** @import { Place } from "./types.d.ts" */

/** @type {(view: string, render: (place: Place) => unknown) => void} */
export function eachPage(view, render) {
  const waiting = document.querySelectorAll(`.lfs-page[data-view="${view}"]:not([data-shown])`);
  for (const el of /** @type {NodeListOf<HTMLElement>} */ (waiting)) {
    el.dataset.shown = "";
    const data = el.querySelector("script[type='application/json']");
    const contents = JSON.parse(data?.textContent ?? "");
    render({ model: { get: () => contents, on() {}, off() {} }, el });
  }
}

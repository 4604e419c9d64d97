// Plotly, which draws the charts, from where it is: on the page already, packed in the page, or
// with Python. It is loaded once for all views of a page.

/** @import { Model, Plotly } from "./types.d.ts" */

import { bytes, unzip } from "./bytes.js";

const PATIENCE = 30000; // ms until Python is taken to be gone

/** @typedef {{ Plotly?: Plotly, lfsPlotly?: Promise<Plotly | null> }} Shared */

const shared = /** @type {Shared} */ (globalThis);

/**
 * Plotly; null where it cannot be had.
 *
 * @param {Model} model
 * @returns {Promise<Plotly | null>}
 */
export async function plotly(model) {
  if (shared.Plotly) return shared.Plotly;
  shared.lfsPlotly ??= find(model);
  const found = await shared.lfsPlotly;
  if (!found) shared.lfsPlotly = undefined; // another view may have it
  return found;
}

/**
 * @param {Model} model
 * @returns {Promise<Plotly | null>}
 */
async function find(model) {
  const linked = document.querySelector('script[src*="plotly"]');
  if (linked) await arrival(linked);
  const packed = document.querySelector("script.lfs-plotly:not(:empty)");
  if (!shared.Plotly && packed) await run(bytes(packed.textContent ?? ""));
  const sent = shared.Plotly ? null : await askPython(model);
  if (sent) await run(sent);
  return shared.Plotly ?? null;
}

/**
 * Waits for a script of the page.
 *
 * @param {Element} script
 */
const arrival = (script) =>
  new Promise((done) => {
    if (shared.Plotly || document.readyState === "complete") done(null);
    for (const event of ["load", "error"]) script.addEventListener(event, done);
    addEventListener("load", done);
  });

/**
 * Runs what was packed.
 *
 * @param {Uint8Array<ArrayBuffer>} packed
 */
async function run(packed) {
  const code = new Blob([await unzip(packed)], { type: "text/javascript" });
  const script = document.createElement("script");
  script.src = URL.createObjectURL(code);
  await new Promise((done) => {
    for (const event of ["load", "error"]) script.addEventListener(event, done);
    document.head.append(script);
  });
  URL.revokeObjectURL(script.src);
}

/**
 * Asks the widget for Plotly; null if nobody answers.
 *
 * @param {Model} model
 * @returns {Promise<Uint8Array<ArrayBuffer> | null>}
 */
function askPython(model) {
  if (!model.send) return Promise.resolve(null); // a page without Python
  return new Promise((done) => {
    /** @type {(said: unknown, buffers: DataView[]) => void} */
    const receive = (said, buffers) => {
      if (said !== "plotly") return;
      const { buffer, byteOffset, byteLength } = buffers[0];
      finish(new Uint8Array(/** @type {ArrayBuffer} */ (buffer), byteOffset, byteLength));
    };
    /** @param {Uint8Array<ArrayBuffer> | null} code */
    const finish = (code) => {
      clearTimeout(timer);
      model.off("msg:custom", receive);
      done(code);
    };
    const timer = setTimeout(finish, PATIENCE, null);
    model.on("msg:custom", receive);
    model.send?.("plotly");
  });
}

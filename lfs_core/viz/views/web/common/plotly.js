// Plotly, which draws the charts, from where it is: on the page already, packed in the page, or
// with Python. It is loaded once for all views of a page.

/** @import { Model, Plotly } from "./types.d.ts" */

import { request } from "./asking.js";
import { bytes, unzip } from "./bytes.js";

const PATIENCE = 30000; // ms until Python is taken to be gone

/** @typedef {{ Plotly?: Plotly, lfsPlotly?: Promise<Plotly | null> }} Shared */

const shared = /** @type {Shared} */ (globalThis);

/** @type {(model: Model) => Promise<Plotly | null>} null where it cannot be had */
export async function plotly(model) {
  if (shared.Plotly) return shared.Plotly;
  shared.lfsPlotly ??= find(model);
  const found = await shared.lfsPlotly;
  if (!found) shared.lfsPlotly = undefined; // another view may have it
  return found;
}

/** @type {(target: EventTarget, ...events: string[]) => Promise<unknown>} the first of them */
const first = (target, ...events) =>
  new Promise((done) => events.forEach((event) => target.addEventListener(event, done)));

/** @param {Model} model */
async function find(model) {
  // A page may link it below the view.
  if (!shared.Plotly && document.readyState !== "complete") await first(window, "load");
  const packed = document.querySelector("script.lfs-plotly:not(:empty)");
  if (!shared.Plotly && packed) await run(bytes(packed.textContent ?? ""));
  const sent = shared.Plotly ? null : await askPython(model);
  if (sent) await run(sent);
  return shared.Plotly ?? null;
}

/** @param {Uint8Array<ArrayBuffer>} packed what is to be run */
async function run(packed) {
  const code = new Blob([await unzip(packed)], { type: "text/javascript" });
  const script = document.createElement("script");
  script.src = URL.createObjectURL(code);
  const done = first(script, "load", "error");
  document.head.append(script);
  await done;
  URL.revokeObjectURL(script.src);
}

/** @type {(model: Model) => Promise<Uint8Array<ArrayBuffer> | null>} null if nobody answers */
async function askPython(model) {
  if (!model.send) return null; // a page without Python
  const nobody = new Promise((done) => setTimeout(done, PATIENCE, {}));
  const { buffers } = await Promise.race([request(model, ["plotly"]), nobody]);
  if (!buffers) return null;
  const { buffer, byteOffset, byteLength } = buffers[0];
  return new Uint8Array(buffer, byteOffset, byteLength);
}

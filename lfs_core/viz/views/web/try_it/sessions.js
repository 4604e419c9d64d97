// Networks and graphs that run in a worker.

/** @import { Named, Numbers, Sessions, Task } from "./types.d.ts" */

const NO_MODELS = ["worker", "runtime", "wasm", "gpu-runtime", "gpu-wasm"];
const THREADS = 4; // at most; they need a page that no other can reach into

/** @type {() => number} how many threads the browser lets the page have */
const threads = () => (globalThis.crossOriginIsolated ? Math.min(THREADS, navigator.hardwareConcurrency) : 1);

/** @type {() => Promise<boolean>} whether the browser lets networks use a graphics processor */
export async function hasGpu() {
  if (!("Suspending" in WebAssembly)) return false; // the runtime waits for the processor by it
  const { gpu } = /** @type {any} */ (navigator);
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter);
}

/**
 * Starts what was loaded.
 *
 * @param {Record<string, ArrayBuffer>} assets by name
 * @param {boolean} onGpu whether the network uses the graphics processor; graphs are too small
 * @returns {Promise<Sessions>}
 */
export async function startSessions(assets, onGpu) {
  const url = URL.createObjectURL(new Blob([assets.worker], { type: "text/javascript" }));
  const worker = new Worker(url);
  /** @type {Map<number, { done: (answer: any) => void, failed: (error: Error) => void }>} */
  const open = new Map();
  let count = 0;
  worker.onmessage = ({ data: { id, answer, problem } }) => {
    const waiting = open.get(id);
    open.delete(id);
    if (problem) waiting?.failed(new Error(problem));
    else waiting?.done(answer);
  };
  worker.onerror = ({ message }) => {
    open.forEach(({ failed }) => failed(new Error(message || "The browser stopped the network.")));
    open.clear();
  };
  /** @type {(given: Task) => Promise<any>} */
  const send = (given) =>
    new Promise((done, failed) => {
      open.set(++count, { done, failed });
      worker.postMessage({ id: count, given });
    });
  for (const kind of onGpu ? ["", "gpu-"] : [""]) {
    const [runtime, wasm] = [assets[`${kind}runtime`], assets[`${kind}wasm`]];
    await send({ task: "start", onGpu: kind !== "", runtime, wasm, threads: threads() });
  }
  for (const [name, model] of Object.entries(assets)) {
    if (NO_MODELS.includes(name)) continue;
    await send({ task: "open", name, model, onGpu: onGpu && name === "network" });
  }
  return {
    run: (name, inputs, outputs) => send({ task: "run", name, inputs, outputs }),
    close() {
      worker.terminate();
      URL.revokeObjectURL(url);
    },
  };
}

/** @type {(data: Float32Array<ArrayBuffer>, ...dims: number[]) => Numbers} */
export const numbers = (data, ...dims) => ({ data, dims });

/** @type {(value: number) => Numbers} */
export const single = (value) => numbers(Float32Array.of(value));

/**
 * What two runs made, as one: the second below the first.
 *
 * @param {Named[]} made of each image
 * @param {string} name of the output
 */
export function bothOf(made, name) {
  const [one, other] = made.map((of) => of[name]);
  const data = new Float32Array(one.data.length + other.data.length);
  data.set(one.data);
  data.set(other.data, one.data.length);
  return numbers(data, 2, ...one.dims.slice(1));
}

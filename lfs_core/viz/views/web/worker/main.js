// Networks on ONNX Runtime, in a worker: while they compute, the page stays usable.

/** @import { Named, Runtime, Task } from "../try_it/types.d.ts" */

/** @type {Map<boolean, Runtime>} with and without a graphics processor: that one lacks doubles */
const runtimes = new Map();
/** @type {Map<string, [Runtime, Awaited<ReturnType<Runtime["InferenceSession"]["create"]>>]>} */
const opened = new Map();

/** @type {(given: Task) => Promise<Named | null>} */
async function done(given) {
  if (given.task === "start") {
    const url = URL.createObjectURL(new Blob([given.runtime], { type: "text/javascript" }));
    const started = await import(url);
    Object.assign(started.env.wasm, { wasmBinary: given.wasm, numThreads: given.threads });
    runtimes.set(given.onGpu, started);
    return null;
  }
  if (given.task === "open") {
    const options = { executionProviders: given.onGpu ? ["webgpu", "wasm"] : ["wasm"] };
    const model = new Uint8Array(given.model);
    const runtime = /** @type {Runtime} */ (runtimes.get(given.onGpu));
    opened.set(given.name, [runtime, await runtime.InferenceSession.create(model, options)]);
    return null;
  }
  const found = opened.get(given.name);
  if (!found) throw new Error(`There is no ${given.name}.`);
  const [{ Tensor }, session] = found;
  const inputs = Object.entries(given.inputs).map(([name, { data, dims }]) => [
    name,
    new Tensor("float32", data, dims),
  ]);
  const made = await session.run(Object.fromEntries(inputs), given.outputs);
  // Tensors cannot be sent as they are.
  const plain = Object.entries(made).map(([name, { data, dims }]) => [name, { data, dims }]);
  return Object.fromEntries(plain);
}

/** @type {Promise<unknown>} one thing after the other */
let last = Promise.resolve();
self.onmessage = ({ data: { id, given } }) => {
  last = last
    .then(() => done(given))
    .then(
      (answer) => self.postMessage({ id, answer }),
      (error) => self.postMessage({ id, problem: String(error.message ?? error) }),
    );
};

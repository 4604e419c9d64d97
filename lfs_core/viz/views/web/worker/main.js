// Networks on ONNX Runtime, in a worker: while they compute, the page stays usable.

/** @import { Named, Runtime, Task } from "../try_it/types.d.ts" */

/** @type {Runtime} */
let runtime;
/** @type {Map<string, Awaited<ReturnType<Runtime["InferenceSession"]["create"]>>>} */
const opened = new Map();

/** @type {(given: Task) => Promise<Named | null>} */
async function done(given) {
  if (given.task === "start") {
    const url = URL.createObjectURL(new Blob([given.runtime], { type: "text/javascript" }));
    runtime = await import(url);
    Object.assign(runtime.env.wasm, { wasmBinary: given.wasm, numThreads: given.threads });
    return null;
  }
  if (given.task === "open") {
    const options = { executionProviders: ["wasm"] };
    const model = new Uint8Array(given.model);
    opened.set(given.name, await runtime.InferenceSession.create(model, options));
    return null;
  }
  const { Tensor } = runtime;
  const session = opened.get(given.name);
  const inputs = Object.entries(given.inputs).map(([name, { data, dims }]) => [
    name,
    new Tensor("float32", data, dims),
  ]);
  const made = await session?.run(Object.fromEntries(inputs), given.outputs);
  // Tensors cannot be sent as they are.
  const plain = Object.entries(made ?? {}).map(([name, { data, dims }]) => [name, { data, dims }]);
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

// The page's own files: scripts that hold packed bytes as text, so that they load from a disk too.

/** @import { Asset } from "./types.d.ts" */

import { bytes } from "../common/bytes.js";
import { h } from "../common/elements.js";

/** @type {Map<string, Promise<ArrayBuffer>>} what was loaded before */
const loaded = new Map();

/** @type {Record<string, string>} what scripts have brought, by file */
const brought = {};
Object.assign(globalThis, {
  /** @type {(file: string, text: string) => void} what each of the scripts calls */
  lfsAsset: (file, text) => (brought[file] = text),
});

/** @type {(source: string, file: string) => Promise<Uint8Array<ArrayBuffer>>} */
async function fetched(source, file) {
  const script = h("script", { src: source });
  await new Promise((done, failed) => {
    script.onload = done;
    script.onerror = () => failed(new Error(`${file} could not be loaded; load the page again.`));
    document.head.append(script);
  });
  script.remove();
  const text = brought[file];
  delete brought[file];
  return bytes(text);
}

/** @type {(asset: Asset, folder: string, arrived: (bytes: number) => void) => Promise<ArrayBuffer>} */
async function assembled({ parts }, folder, arrived) {
  const packed = [];
  for (const { file, bytes: size } of parts) {
    packed.push(await fetched(`${folder}${file}`, file));
    arrived(size);
  }
  const stream = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** @type {(assets: Asset[], onGpu: boolean) => Asset[]} those that are needed */
export const needed = (assets, onGpu) => assets.filter(({ name }) => onGpu || !name.startsWith("gpu-"));

/** @type {(assets: Asset[]) => number} bytes that are loaded for them */
export const sizeOf = (assets) =>
  assets.flatMap(({ parts }) => parts).reduce((sum, part) => sum + part.bytes, 0);

/**
 * All assets by name, one after the other; those that were loaded before are not loaded again.
 *
 * @param {Asset[]} assets
 * @param {string} folder where they lie
 * @param {(bytes: number) => void} arrived is told how many have come
 */
export async function loadAll(assets, folder, arrived) {
  /** @type {Record<string, ArrayBuffer>} */
  const found = {};
  for (const asset of assets) {
    const key = asset.parts.map(({ file }) => file).join();
    if (loaded.has(key)) arrived(sizeOf([asset]));
    const loading = loaded.get(key) ?? assembled(asset, folder, arrived);
    loaded.set(key, loading);
    loading.catch(() => loaded.delete(key));
    found[asset.name] = await loading;
  }
  return found;
}

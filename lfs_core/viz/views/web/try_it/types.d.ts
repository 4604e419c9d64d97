import type { Answer } from "../common/types.d.ts";
import type { Line } from "../matches/types.d.ts";
import type { Contents as Explorer } from "../pair_explorer/types.d.ts";
import type { Box, Pixels } from "./detection.d.ts";

/** A file of the page's own, as scripts that each hold a part of it. */
export interface Asset {
  name: string;
  parts: { file: string; bytes: number }[];
}

/** Words for similarities up to a limit. */
export type Steps = [number, string][];

/** What of a network is needed where it runs in the page. */
export interface Own {
  /** px, of the side of the images that it reads. */
  size: number;
  framing: "face" | "whole" | "centre";
  /** Windows along each side. */
  grid: number;
  /** [rows, columns] of maps. */
  mapSize: [number, number];
  assets: Asset[];
  /** Of photographs that are offered, in the order of `entries`. */
  samples: string[];
  unsure: string;
  noFace: string;
  /** In how many words a decision is sure: of pairs called dissimilar, and similar. */
  sure: [Steps, Steps];
  sureMeans: string;
  near: { within: number; words: string };
  outside: { low: number; high: number; words: string } | null;
  places: string[];
  lines: Line[];
  least: number;
}

/** What the explorer of one network holds. */
export type Offer = Explorer & { own: Own; title: string; answers: Record<string, Answer>; rounded: string };

/** What the view holds; `missing` says why there is nothing to try. */
export interface Contents {
  folder: string;
  offers: Offer[];
  missing: string;
}

/** Numbers with their shape, as ONNX Runtime takes and gives them. */
export interface Numbers {
  data: Float32Array<ArrayBuffer>;
  dims: number[];
}

export type Named = Record<string, Numbers>;

/** Networks and graphs that run apart from the page. */
export interface Sessions {
  run(name: string, inputs: Named, outputs?: string[]): Promise<Named>;
  close(): void;
}

/** What passes between the page and its worker. */
export type Task =
  | { task: "start"; onGpu: boolean; runtime: ArrayBuffer; wasm: ArrayBuffer; threads: number }
  | { task: "open"; name: string; model: ArrayBuffer; onGpu: boolean }
  | { task: "run"; name: string; inputs: Named; outputs?: string[] };

/** What is used of ONNX Runtime. */
export interface Runtime {
  env: { wasm: { wasmBinary: ArrayBuffer; numThreads: number } };
  Tensor: new (type: "float32", data: Float32Array, dims: number[]) => unknown;
  InferenceSession: {
    create(model: Uint8Array, options: object): Promise<{
      run(inputs: Record<string, unknown>, outputs?: string[]): Promise<Named>;
    }>;
  };
}

/** A photograph that was taken in. */
export interface Taken {
  name: string;
  pixels: Pixels;
  /** A part that was cut out by hand, and is read as it is. */
  isCut: boolean;
}

/** One part of a photograph as the network reads it. */
export interface Part {
  pixels: Pixels;
  doubts: string[];
  box: Box | null;
}

/** A part, and what the network makes of it. */
export interface Seen {
  input: Float32Array<ArrayBuffer>;
  made: Promise<Named>;
  /** What each window does, once it was taken away. */
  windows: Promise<Numbers> | null;
}

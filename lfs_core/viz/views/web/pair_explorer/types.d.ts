import type { Answer, Ask, Drawing, Faces, How, Model, Question, Size } from "../common/types.d.ts";
import type { Told } from "../matches/types.d.ts";

/** What the widget holds. `p` and `threshold` (xi_1) are places in the lists of their values. */
export interface Contents {
  live: boolean;
  /** Whether a whole explanation can be saved as a report. */
  reports: boolean;
  /** `decoders` says of each whether it is linear. */
  networks: { name: string; methods: string[]; decoders: Record<string, boolean> }[];
  /** Of methods and decoders, what readers call them. */
  titles: Record<string, string>;
  /** The methods that tell which places match. */
  telling: string[];
  ps: number[];
  pPlaces: number[];
  thresholds: number[];
  p: number;
  threshold: number;
  mapThreshold: number;
  colours: Record<string, string>;
  /** How latents are drawn, without their numbers, and the one that is chosen. */
  bars: Drawing & { chosen: object };
  entries?: Entry[];
  pairs?: [number, number][];
  /** The same, to be chosen from. */
  buttons?: { similarity: number; similar: boolean; pictures: string[] }[];
  first?: number;
  answers?: Record<string, any>;
}

export interface Entry {
  name: string;
  picture: string;
}

/** How photographs come in. */
export interface Taking {
  takeIn(files: File[]): Promise<void>;
  /** One that was taken in becomes the first, 0, or the second, 1, of the pair. */
  put(taken: Entry & { item: number }, side: number): Promise<void>;
}

/** What the reader has chosen: photographs, their parts (faces; null, as Python chooses), and what
 * is asked of them. */
export interface Choice {
  network: number;
  items: number[];
  parts: (number | null)[];
  method: string;
  decoder: string;
  p: number;
  threshold: number;
  latent: number | null;
}

/** A choice all of whose parts are known. */
export type Settled = Choice & { parts: number[] };

/** One photograph as a network can read it: a picture, and doubts, of each part. */
export interface Photograph {
  name: string;
  pictures: string[];
  doubts: string[][];
  /** The part that is shown if the reader does not say. */
  chosen: number;
  /** Where there are several faces. */
  faces: Faces | null;
}

/** The network's decision about a pair. */
export interface Pair {
  similarity: number;
  similar: boolean;
  /** The confidence, and what it means. */
  sure: string;
  sureMeans: string;
  doubts: string[];
}

/** Embeddings, how they differ (Eq. 3), and the relevance (Eq. 2), by latent. */
export interface Latents {
  h: number[][];
  d: number[];
  R: number[];
}

/** A map in steps from 0 to 255 of its highest value, and in values. */
export interface Side {
  highest: number;
  relative: Uint8Array;
  values: Float32Array;
  signed: { range: [number, number]; values: Float32Array } | null;
}

/** What is on the screen. */
export interface Shown {
  photographs: Photograph[];
  images: HTMLImageElement[];
  pair: Pair;
  latents: Latents;
  maps: Side[];
  size: Size;
  /** Which places match, of methods that tell. */
  told: Told | null;
  choice: Settled;
  doubts: string[];
}

/** What all parts of the view know, and what they ask of one another. */
export interface App {
  model: Model;
  contents: Contents;
  choice: Choice;
  how: How;
  shown: Shown | null;
  ask: Ask;
  /** As `ask`, but what was answered before is remembered. */
  know(...question: Question): Promise<Answer>;
  /** Shows what is chosen, as soon as it is known. */
  update(): Promise<void>;
}

/** A part of the view that shows something of what is known. */
export interface Part {
  element: HTMLElement;
  draw(shown: Shown): void;
}

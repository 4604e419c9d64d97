import type { Ask, Drawing, Faces, Model, Size } from "../common/types.d.ts";

/** What the widget holds. Photographs are known by numbers; those from outside come last. */
export interface Contents {
  live: boolean;
  photographs: number;
  entries: number[];
  names: Record<number, string>;
  pictures?: Record<number, Picture>;
  answers?: Record<string, any>;
  /** Of a page without Python: what it holds, and what was wrong. */
  scope?: string;
  problems?: string;
  top: number;
  sides: [number, number];
  colours: string;
  /** How two embeddings are drawn, without their numbers. */
  curves: Drawing;
  /** What is outlined. */
  outlined: string;
}

/** What is said of a query. */
export interface Opened {
  name: string;
  /** The query and what its answer is worth, as HTML. */
  head: string;
  precision: number | null;
  /** Where the query is from outside and shows several faces, and which of them is asked about. */
  faces: Faces | null;
  face: number;
  photograph: string;
}

/** Why a pair is similar or not. */
export interface Explained {
  problem?: string;
  /** Reasons to doubt it. */
  doubts: string[];
  similarity: number;
  similar: boolean;
  /** The confidence, and what it means. */
  sure: string;
  sureMeans: string;
  threshold: string | null;
  method: string;
  mapThreshold: number;
  ranges: [number, number][];
  size: Size;
  steps: Uint8Array[];
  /** What of both is evidence for a match together with the other, by place; of methods that tell. */
  matched: Uint8Array[] | null;
  grid: Size | null;
  /** Around what both photographs show, where that is known: a path for each, in their sides. */
  outlines: string[] | null;
}

export type Picture = { source?: string; problem?: string };

/** Photographs, asked for when they are first shown. */
export interface Shelf {
  /** Puts pictures into what is shown: an image knows by its `data-item` which. */
  fill(shown: HTMLElement): void;
  loaded(item: number): Promise<HTMLImageElement | null>;
}

/** What all parts of the view know, and what they ask of one another. */
export interface App {
  model: Model;
  contents: Contents;
  names: Record<number, string>;
  uid: string;
  root: HTMLElement;
  ask: Ask;
  /** As `ask`, but what was answered before is remembered. */
  know: Ask;
  shelf: Shelf;
  query: number;
  opened: Opened | null;
  square: boolean;
  open(item: number): Promise<void>;
  /** Shows why one of the results, which is an element, was retrieved. */
  explain(hit: HTMLElement): void;
}

import type { Ask, Faces, Model, Size } from "../common/types.d.ts";

/** What the widget holds. Photographs are known by numbers; those from outside come last. */
export interface Contents {
  live: boolean;
  photographs: number;
  entries: number[];
  names: Record<number, string>;
  labels: Record<number, number>;
  classNames: Record<number, string>;
  pictures?: Record<number, Picture>;
  answers?: Record<string, any>;
  top: number;
  bottom: number;
  ranksAtOnce: number;
  page: number;
  sides: [number, number];
  colours: string;
  /** Of similarities from -1 to 1, how likely they are of one class, in thousandths. */
  same: number[] | null;
  sameMeans: string;
  /** What is outlined. */
  outlined: string;
}

/** What is said of a query; without another of its class `label` is null. */
export interface Opened {
  name: string;
  position: number | null;
  label: number | null;
  /** The same, in words. */
  worth: string;
  precision: number;
  nearest: [number, number][];
  farthest: [number, number][];
  ranks: number;
  /** Where the query is from outside and shows several faces, and which of them is asked about. */
  faces: Faces | null;
  face: number;
  photograph: string;
}

/** A photograph that was retrieved: which, its rank from 1, its similarity. */
export type Hit = [number, number, number];

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
  image(item: number, alt: string): HTMLImageElement;
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
  /** Asks about another face of the query. */
  askOf(face: number): Promise<void>;
  explain(item: number, hits: Hit[]): void;
}

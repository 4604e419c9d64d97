import type { Drawing } from "../common/types.d.ts";

/** What the widget holds. */
export interface Contents {
  fill: string;
  /** How the chart looks: of each method its whole curve and how far it is replaced, and the step. */
  drawn: { traces: any[][]; layout: Drawing["layout"]; now: object };
  grid: number;
  flips: number[];
  names: string[];
  pairs: Pair[];
  /** How many of the methods are shown at first. */
  shown: number;
}

/** One pair; `methods` are in the order of the names. */
export interface Pair {
  similarity: number;
  similar: boolean;
  threshold: string | null;
  pictures: string[];
  replacements: string[];
  /** How far the chart goes along its axes, and the threshold. */
  reach: { x: number[]; y: number[]; shapes: object[]; annotations: object[] };
  methods: Method[];
}

/** `ranks`, by image and superpixel, say when each is replaced; `curve` is the cosine by step. */
export interface Method {
  ranks: number[][];
  curve: number[];
  /** Where the curve begins and ends, in words. */
  told: string;
}

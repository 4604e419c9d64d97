import type { Packed, Size } from "../common/types.d.ts";

/** What the widget holds. */
export interface Contents {
  colours: string;
  mapThreshold: number;
  pairs: {
    similarity: number;
    similar: boolean;
    threshold: string | null;
    pictures: string[];
    size: Size;
  }[];
  methods: { name: string; maps: { map: Packed; signed: Packed | null }[][] }[];
}

/** One image's map by one method, unpacked: its values, its steps, and these for a small picture. */
export interface Side {
  values: Float32Array;
  steps: Float32Array;
  small: Float32Array;
  range: [number, number];
  signed: { values: Float32Array; range: [number, number] } | null;
}

/** A pair's photographs and, by method and image, its maps. */
export interface Loaded {
  problem?: string;
  images: HTMLImageElement[];
  maps: Side[][];
}

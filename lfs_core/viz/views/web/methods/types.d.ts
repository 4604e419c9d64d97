import type { How, Packed, Point, Size } from "../common/types.d.ts";

/** What the widget holds. */
export interface Contents {
  colours: string;
  mapThreshold: number;
  pairs: {
    similarity: number;
    decision: string;
    threshold?: number | null;
    photographs: string[];
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

/** A pair's photographs and, by method and image, its maps; sizes are [width, height] of pictures. */
export interface Loaded {
  images: HTMLImageElement[];
  size: Size;
  maps: Side[][];
  small: Size;
  large: Size;
}

/** What is chosen, and what of it is on the screen. */
export interface State {
  pair: number;
  method: number;
  how: How;
  point: Point | null;
  shown: Loaded | null;
}

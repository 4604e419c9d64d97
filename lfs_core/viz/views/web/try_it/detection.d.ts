// Photographs as pixels, and faces in them.

/** RGBA from left to right and top to bottom, as `ImageData` has it; 4 bytes a pixel. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8ClampedArray<ArrayBuffer>;
}

/** Left, top, right and bottom, in pixels. */
export type Box = [number, number, number, number];

/** A face in a photograph, in that photograph's pixels. */
export interface Face {
  box: Box;
  /** That it is a face. */
  probability: number;
  /** Five places, [x, y]: eyes, nose, corners of the mouth; left and right as they are seen. */
  landmarks: number[][];
}

/**
 * Runs one of the detector's three networks: `data` has this shape, (B,3,H,W). It gives the
 * network's outputs in their order: regression, probabilities and, of "o", landmarks.
 */
export type Run = (
  name: "p" | "r" | "o",
  data: Float32Array<ArrayBuffer>,
  shape: number[],
) => Promise<Float32Array[]>;

/** Where a face may be: how sure that is, and by which shares of its sides the box is to move. */
export interface Candidate {
  box: Box;
  score: number;
  shift: ArrayLike<number>;
  /** Landmarks in shares of the box: five places across, and five down. */
  points?: ArrayLike<number>;
}

/** Of each place, the sum of all values above and to the left of it, by channel. */
export interface Sums {
  width: number;
  height: number;
  /** (height + 1, width + 1, 3) modulo 2^32. */
  sums: Uint32Array;
}

/** How a resized line is made: place k reads counts[k] values from starts[k] on. */
export interface Weights {
  starts: Int32Array;
  counts: Int32Array;
  /** `most` for each place, of which the first counts[k] are used. */
  weights: Float64Array;
  most: number;
}

/** How Pillow weighs pixels by their distance, in pixels of the result, and up to which. */
export interface Filter {
  reach: number;
  weigh(distance: number): number;
}

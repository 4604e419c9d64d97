/** A matrix as it is sent: whole numbers of 16 bits, and what they are multiplied by. */
export interface Matrix {
  scale: number;
  steps: string;
}

/** [place of the first photograph, place of the second, confidence] */
export type Match = [number, number, number];

/** How one of the most confident matches is drawn. */
export interface Line {
  colour: string;
  ink: string;
  dashed: boolean;
}

/** What is told of a pair. Places are counted row by row. */
export interface Told {
  grid: [number, number];
  matches: Matrix;
  likeness: Matrix;
  /** That two places match, from 0 to 1. */
  probabilities: Matrix;
  /** The most confident first; none is less confident than `least`. */
  matched: Match[];
  least: number;
  /** What places are called. */
  places: string[];
  lines: Line[];
}

export interface Photograph {
  name: string;
  picture: string;
}

/** What the view holds. */
export interface Contents extends Told {
  caution: string;
  photographs: Photograph[];
}

/** [row, column] */
export type Cell = [number, number];

/** Places of one photograph, from one corner to the opposite one. */
export interface Region {
  side: number;
  from: Cell;
  to: Cell;
}

/** What a region's heat in the other photograph shows: a sum of `matches`, or a mean likeness. */
export type Kind = "matches" | "likeness";

/** All matrices, read. */
export type Matrices = Record<Kind | "probabilities", Float64Array>;

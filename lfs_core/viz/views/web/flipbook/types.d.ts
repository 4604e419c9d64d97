/** What the widget holds. */
export interface Contents {
  fill: string;
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
  methods: Method[];
}

/** `ranks`, by image and superpixel, say when each is replaced; `curve` is the cosine by step. */
export interface Method {
  ranks: number[][];
  curve: number[];
}

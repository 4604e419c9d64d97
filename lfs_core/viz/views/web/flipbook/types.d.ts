/** What the widget holds. */
export interface Contents {
  fill: string;
  grid: number;
  flips: number[];
  similar: boolean;
  threshold?: number | null;
  images: string[];
  replacements: string[];
  methods: Method[];
}

/** `ranks`, by image and superpixel, say when each is replaced; `curve` is the cosine by step. */
export interface Method {
  name: string;
  ranks: number[][];
  curve: number[];
}

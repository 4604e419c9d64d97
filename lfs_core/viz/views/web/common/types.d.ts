// What passes between modules of all views.

export type Child = Node | string | number | null | undefined;

/** Attributes of an element; names that begin with "on" are handlers of events. */
export type Properties = Record<
  string,
  string | number | boolean | null | undefined | ((event: any) => unknown)
>;

/** A question: its kind and arguments. In a page's table of answers its key has commas between. */
export type Question = (string | number)[];

/** What Python, or a page's table, answers; `problem` says what was wrong. */
export type Answer = { problem?: string } & Record<string, any>;

export type Ask = (...question: Question) => Promise<Answer>;

/** What answers questions, and a note of what it is doing. */
export interface Asker {
  ask: Ask;
  note: HTMLElement;
  stop(): void;
}

/** What a view is given: a widget's model, or what stands for it in a page without Python. */
export interface Model {
  get(key: "contents"): any;
  on(event: string, listener: (...said: any[]) => void): void;
  off(event: string, listener: (...said: any[]) => void): void;
  /** Only where there is Python. */
  send?(content: unknown): void;
  /** Where neither Python nor a table answers. */
  asker?: Asker;
  /** Is told that what is being computed is no longer wanted. */
  hurry?(): void;
}

/** What is used of Plotly. */
export interface Plotly {
  react(place: HTMLElement, data: object[], layout: object, config: object): Promise<Plot>;
}

/** A place where Plotly has drawn. */
export interface Plot {
  on(event: "plotly_click", listener: (event: { points: { customdata: any }[] }) => void): void;
  removeAllListeners(event: string): void;
}

/** What a chart shows, as Plotly wants it. */
export interface Drawing {
  data: object[];
  layout: Record<string, any>;
}

/** What a widget, or a page, asks of a view: it fills `el`, and gives what undoes that. */
export interface Place {
  model: Model;
  el: HTMLElement;
}

/** [column, row] of a map. */
export type Point = [number, number];

/** [rows, columns] of a map, or [width, height] of a picture. */
export type Size = [number, number];

/** A map as it is sent: `steps` from 0 to 255, packed, over a range of values. */
export interface Packed {
  range: [number, number];
  steps: string;
}

/** How maps are drawn. */
export interface How {
  colours: Uint8Array;
  threshold: number;
  opacity: number;
  apart: boolean;
}

/** One photograph with its map. */
export interface PicturedSide {
  image: HTMLImageElement | null;
  /** From 0 to 255. */
  steps: ArrayLike<number>;
  /** What the picture is, for who does not see it. */
  label: string;
  /** What is said below it, given what share of the map lies above the threshold. */
  facts(share: string): Child[];
  /** A value, given its place in the map. */
  value(at: number): string;
  /** The upper end of its colour bar, if it has one of its own. */
  highest?: string;
  /** A path around a part of it, in units of its sides. */
  outline?: string | null;
}

/** Two photographs with their maps. */
export interface Pictured {
  /** Whose place is kept as long as they stay. */
  images: unknown;
  size: Size;
  /** What colours mean. */
  meaning: string;
  names?: string[];
  /** Whether pictures are drawn as squares. */
  square?: boolean;
  sides: PicturedSide[];
}

/** A photograph and its faces: left, top, right and bottom of each, in per cent of its sides. */
export interface Faces {
  picture: string;
  boxes: number[][];
}

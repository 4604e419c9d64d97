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

/** What a view is given: a widget's model, or what stands for it in a page without Python. */
export interface Model {
  get(key: string): any;
  set(key: string, value: unknown): void;
  on(event: string, listener: (...said: any[]) => void): void;
  off(event: string, listener: (...said: any[]) => void): void;
  save_changes(): void;
  /** Only where there is Python. */
  send?(content: unknown): void;
}

/** What is used of Plotly. */
export interface Plotly {
  react(place: HTMLElement, data: object[], layout: object, config: object): Promise<unknown>;
}

/** What a chart shows, as Plotly wants it. */
export interface Drawing {
  data: object[];
  layout: Record<string, any>;
}

/** A view's colours, by the names that they have in its style, and its font. */
export type Look = Record<string, string>;

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

/** A photograph and its faces: left, top, right and bottom of each, in per cent of its sides. */
export interface Faces {
  picture: string;
  boxes: number[][];
}

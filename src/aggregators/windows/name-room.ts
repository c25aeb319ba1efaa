export interface NameBounds {
  readonly maxNamesPerPane: number;
  /** Of all panes from the horizon on. What waits to be written beyond it does not count, so that a replay decides alike. */
  readonly maxNames: number;
  /** Of the names of the same panes together: a few long names take as much as many short ones. */
  readonly maxCharacters: number;
}

/** Room for the names of a metric, in the panes of a partition that may still change. */
export interface NameRoom {
  /** Whether there is room for one more in a pane of so many. */
  has(name: string, namesInPane: number): boolean;
  take(names: number, characters: number): void;
  giveBack(names: number, characters: number): void;
}

export function createNameRoom({ maxNamesPerPane, maxNames, maxCharacters }: NameBounds): NameRoom {
  let taken = 0;
  let takenCharacters = 0;
  return {
    has: ({ length }, namesInPane) =>
      namesInPane < maxNamesPerPane && taken < maxNames && takenCharacters + length <= maxCharacters,
    take(names, characters) {
      taken += names;
      takenCharacters += characters;
    },
    giveBack(names, characters) {
      taken -= names;
      takenCharacters -= characters;
    },
  };
}

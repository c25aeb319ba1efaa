/** How one part is started as a process of its own, and how its supervisor knows that it is ready. */
export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /**
   * `message`: the process sends `{type: 'ready', facts}` over its IPC channel. `line`: it prints a line with this text.
   */
  readonly ready: { readonly by: 'message' } | { readonly by: 'line'; readonly text: string };
  /** Of a program that is not ours: why another start would not help, where that is what this line of it says. */
  readonly hopelessAt?: (line: string) => string | undefined;
  /** Signal that asks it to stop. */
  readonly stopSignal: NodeJS.Signals;
}

/** What a process said when it was ready. */
export type ReadyFacts = Readonly<Record<string, unknown>>;

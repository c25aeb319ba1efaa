declare module 'autocannon' {
  interface Request {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  }
  interface Options {
    readonly url: string;
    readonly connections: number;
    readonly duration: number;
    /** Puts a new id in place of `[<id>]` in each request. */
    readonly idReplacement: boolean;
    readonly requests: readonly Request[];
    /** Called with each connection before it sends. */
    readonly setupClient?: (client: Client) => void;
  }
  interface Client {
    setRequests(requests: readonly Request[]): void;
  }
  interface Result {
    readonly duration: number;
    readonly '2xx': number;
    readonly non2xx: number;
    readonly errors: number;
    readonly timeouts: number;
    readonly latency: { readonly p50: number; readonly p99: number };
  }
  function autocannon(options: Options): Promise<Result>;
  namespace autocannon {
    export type { Client };
  }
  export default autocannon;
}

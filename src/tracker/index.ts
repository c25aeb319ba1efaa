/**
 * What a page can say to the tracker, for sites that are written in TypeScript. The script keeps to these types; they
 * need nothing else, so that a site can take the built file as it is (`GET /penstock.d.ts`, or `penstock/tracker`).
 */

/** What a visitor agreed to. Anything that is not plainly a yes is a no. */
export type ConsentAnswer = 'granted' | 'denied' | boolean;

/** Answers by purpose, such as `analytics` and `marketing`. */
export type ConsentChoices = Readonly<Record<string, ConsentAnswer>>;

/** Each stands on the script as `data-…` too. */
export interface TrackerOptions {
  /** The write key of the site: one for browsers. */
  readonly key: string;
  /** The collector, when it is another than the one that the script came from. */
  readonly host?: string | undefined;
  /** `required`: nothing is stored or sent before the visitor has agreed to the purpose. Else until they have refused. */
  readonly consent?: 'required' | undefined;
  /** The purpose that measuring is for; `analytics` by default. */
  readonly purpose?: string | undefined;
  /** Where ids are kept: `local` (the browser's `localStorage`, by default), a first-party `cookie`, or `none`. */
  readonly storage?: 'local' | 'cookie' | 'none' | undefined;
  /** The domain of the cookies, to share a visitor between subdomains. */
  readonly domain?: string | undefined;
  /** A `scroll` event is sent each so many per cent of a page: 90 once, 25 at 25, 50, 75 and 100. Off by default. */
  readonly scroll?: number | undefined;
  /** Clicks on which links are sent: `all` (by default), only `outbound` ones, or `none`. */
  readonly links?: 'all' | 'outbound' | 'none' | undefined;
  /** `manual`: page views are sent by `penstock.page()` alone. */
  readonly views?: 'auto' | 'manual' | undefined;
  /** `honour`: Global Privacy Control and Do Not Track are a refusal. Else they are left to the gateway's policy. */
  readonly signals?: 'honour' | undefined;
}

export interface PageFields {
  readonly url?: string | undefined;
  readonly path?: string | undefined;
  readonly title?: string | undefined;
  readonly referrer?: string | undefined;
}

/** Anything that has fields, such as an interface of the site's own. */
export type Properties = object;

/** The properties without which an event is refused. */
export interface RequiredProperties {
  readonly purchase: {
    readonly transaction_id: string;
    readonly value: number;
    readonly currency: string;
  };
}

type WithMore<Known> = Known | (Known & Readonly<Record<string, unknown>>);

type PropertiesOf<Type extends string> = Type extends keyof RequiredProperties
  ? [properties: WithMore<RequiredProperties[Type]>]
  : [properties?: Properties | null];

export interface Penstock {
  /** The same as the methods, by name: `penstock('identify', 'user-1')`. Any other name is a type of event. */
  <Name extends string>(
    name: Name,
    ...args: Name extends keyof Commands ? Parameters<Commands[Name]> : PropertiesOf<Name>
  ): void;
  track<Type extends string>(type: Type, ...properties: PropertiesOf<Type>): void;
  /** A page view; fields that are given stand in for those of the page. */
  page(fields?: PageFields): void;
  /** Names the user of this and all later events of this browser; `null` forgets. */
  identify(userId: string | number | null): void;
  /** What the visitor has agreed to or refused; purposes that are not named stay as they were. */
  consent<Choices extends { readonly [Purpose in keyof Choices]: ConsentAnswer }>(choices: Choices): void;
  /** Forgets user, visitor and session: who comes next is somebody else. */
  reset(): void;
  /** Starts the tracker where no script with `data-key` has done so. Only the first start counts. */
  init(options: TrackerOptions): void;
}

type Commands = Pick<Penstock, 'track' | 'page' | 'identify' | 'reset' | 'init'> & {
  consent(choices: ConsentChoices): void;
};

declare global {
  interface Window {
    penstock: Penstock;
  }
  var penstock: Penstock;
}

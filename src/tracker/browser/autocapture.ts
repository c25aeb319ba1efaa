export type Properties = Record<string, unknown>;
export type Track = (type: string, properties: Properties) => void;

/** What `data-penstock-*` attributes can say only as text but analysts add up. */
const NUMERIC = /^(value|price|quantity)$/;

/** `data-penstock-item-id="A1"` becomes `item_id: "A1"`: the names of Google Analytics 4 have underscores. */
export function propertiesOf(attributes: Iterable<{ readonly name: string; readonly value: string }>): Properties {
  const properties: Properties = {};
  for (const { name, value } of attributes) {
    if (!name.startsWith('data-penstock-') || name === 'data-penstock-event') continue;
    const key = name.slice(14).replace(/-/g, '_');
    properties[key] = NUMERIC.test(key) && value && !Number.isNaN(+value) ? +value : value;
  }
  return properties;
}

export interface LinkFacts {
  readonly href: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly textContent: string | null;
}

/** Undefined for links that lead to no page (`mailto:`, `tel:`, `javascript:`): they can hold personal data. */
export function linkProperties(link: LinkFacts, ownHostname: string): Properties | undefined {
  if (!/^https?:$/.test(link.protocol)) return undefined;
  return {
    link_url: link.href,
    link_text: (link.textContent ?? '').trim().slice(0, 100),
    outbound: link.hostname !== ownHostname,
  };
}

/** One click is one event: the named one of a `data-penstock-event` element, else a `click` on a link. */
export function captureClick(event: Event, track: Track, ownHostname: string): void {
  const target = event.composedPath()[0];
  const element = target instanceof Element ? target : undefined;
  const named = element?.closest('[data-penstock-event]');
  const link = element?.closest<HTMLAnchorElement>('a[href]');
  const properties = link && linkProperties(link, ownHostname);
  if (named) {
    track(named.getAttribute('data-penstock-event') || 'click', { ...properties, ...propertiesOf(named.attributes) });
  } else if (properties) track('click', properties);
}

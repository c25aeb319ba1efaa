type Properties = Record<string, unknown>;

/** What `data-penstock-*` attributes can say only as text but analysts add up. */
const NUMERIC = /^(value|price|quantity)$/;

/** `data-penstock-item-id="A1"` becomes `item_id: "A1"`: the names of Google Analytics 4 have underscores. */
export function propertiesOf(attributes: Iterable<{ readonly name: string; readonly value: string }>): Properties {
  const properties: Properties = {};
  for (const { name, value } of attributes) {
    const key = name.match(/^data-penstock-(?!event$)(.+)/)?.[1]?.replace(/-/g, '_');
    if (key) properties[key] = NUMERIC.test(key) && value && +value >= 0 ? +value : value;
  }
  return properties;
}

export type LinkFacts = Pick<HTMLAnchorElement, 'href' | 'hostname' | 'textContent'>;

/**
 * What a click on a link is. Undefined for links that lead to no page (`mailto:`, `tel:`, `javascript:`): they can hold
 * personal data.
 */
export function linkProperties(
  { href, hostname, textContent }: LinkFacts,
  ownHostname: string,
): Properties | undefined {
  if (!/^http/.test(href)) return undefined;
  return {
    link_url: href,
    link_domain: hostname,
    link_text: textContent.trim().slice(0, 100),
    outbound: hostname !== ownHostname,
  };
}

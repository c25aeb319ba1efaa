/** The campaign of a landing page: `utm_source=x` becomes `source: "x"`. Undefined when there is none. */
export function campaignOf(search: string): Record<string, string> | undefined {
  const campaign: Record<string, string> = {};
  new URLSearchParams(search).forEach((value, key) => {
    if (/^utm_[a-z_]+$/.test(key)) campaign[key.slice(4)] = value.slice(0, 200);
  });
  return Object.keys(campaign).length ? campaign : undefined;
}

/** The campaign of a landing page: `utm_source=x` becomes `source: "x"`. Undefined when there is none. */
export function campaignOf(search: string): Record<string, string> | undefined {
  let campaign: Record<string, string> | undefined;
  for (const [key, value] of new URLSearchParams(search)) {
    if (/^utm_[a-z]/.test(key)) campaign = { ...campaign, [key.slice(4)]: value };
  }
  return campaign;
}

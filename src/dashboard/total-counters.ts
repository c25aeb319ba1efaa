import { Counter, Registry } from 'prom-client';

/** Shown from the first moment on: an alert on what never was there would not know it from what cannot be read. */
const ALWAYS = { counted: 0, duplicate: 0, malformed: 0, late: 0 };

const DETAILS: Readonly<Record<string, string>> = {
  late: 'Late events by the metric that they would have changed.',
  late_by: 'Late events by how far they were behind.',
  failed: 'Events that the code of a metric could not look at, by metric.',
};

/**
 * What became of the events of the hub, in Prometheus' text format: `late` is a sample of one counter of all outcomes, and
 * `late:pages`, of those what would have changed pages, one of another, so that no sum counts an event twice.
 */
export async function totalCounters(totals: Readonly<Record<string, number>>): Promise<string> {
  const registry = new Registry();
  const counter = <Label extends string>(family: string, help: string, label: Label) =>
    new Counter({ name: `penstock_figures_${family}_total`, help, labelNames: [label], registers: [registry] });
  const events = counter('events', 'Events of the hub by what became of them.', 'outcome');
  const kinds = new Map(Object.entries(DETAILS).map(([family, help]) => [family, counter(family, help, 'of')]));
  for (const [name, value] of Object.entries({ ...ALWAYS, ...totals })) {
    // Somebody else may have written there, and one value must not cost all.
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) continue;
    const [outcome = '', ...detail] = name.split(':');
    if (detail.length === 0) events.inc({ outcome }, value);
    else kinds.get(outcome)?.inc({ of: detail.join(':') }, value);
  }
  return registry.metrics();
}

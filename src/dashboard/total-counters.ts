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
  const families = new Map<string, Counter>();
  const count = (family: string, help: string, [label, of, value]: readonly [string, string, number]) => {
    const name = `penstock_figures_${family}_total`;
    const counter = families.get(name) ?? new Counter({ name, help, labelNames: [label], registers: [registry] });
    families.set(name, counter);
    counter.inc({ [label]: of }, value);
  };
  for (const [name, value] of Object.entries({ ...ALWAYS, ...totals })) {
    // Somebody else may have written there, and one value must not cost all.
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) continue;
    const [outcome = '', ...detail] = name.split(':');
    if (detail.length === 0) count('events', 'Events of the hub by what became of them.', ['outcome', outcome, value]);
    const help = Object.hasOwn(DETAILS, outcome) ? DETAILS[outcome] : undefined;
    if (detail.length > 0 && help !== undefined) count(outcome, help, ['of', detail.join(':'), value]);
  }
  return registry.metrics();
}

import { findMetrics } from './find.js';

/** Every metric that is kept. A new one is a file in this folder that exports it, and no other change. */
const all = await findMetrics(new URL('.', import.meta.url));

const metrics = all.filter((metric) => metric.kind !== 'list');
const listMetrics = all.filter((metric) => metric.kind === 'list');

export const allMetrics = { metrics, listMetrics };

/** What is announced to readers. */
export const descriptions = metrics.map(({ description }) => description);

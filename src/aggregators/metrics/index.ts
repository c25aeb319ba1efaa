import { categories } from './categories.js';
import type { ListMetricDefinition, PaneMetricDefinition, SessionMetricDefinition } from './define.js';
import { devices } from './devices.js';
import { events } from './events.js';
import { pages } from './pages.js';
import { sessions } from './sessions.js';
import { visitors } from './visitors.js';
import { visitorsLatest } from './visitors-latest.js';

/** Every metric that is kept. A new one is a file in this folder and a line here. */
export const paneMetricDefinitions: readonly PaneMetricDefinition[] = [visitors, devices, pages, categories];
export const sessionMetricDefinitions: readonly SessionMetricDefinition[] = [sessions];
export const listMetricDefinitions: readonly ListMetricDefinition[] = [visitorsLatest, events];

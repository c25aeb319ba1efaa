import { amplitude } from './amplitude.js';
import { ga4 } from './ga4.js';
import { gtag } from './gtag.js';
import { jitsu } from './jitsu.js';
import { matomo } from './matomo.js';
import { mixpanel } from './mixpanel.js';
import { plausible } from './plausible.js';
import { postHog } from './posthog.js';
import type { Protocol } from './protocol.js';
import { rudderStack } from './rudderstack.js';
import { segment } from './segment.js';
import { sharedPaths } from './shared-paths.js';
import { snowplow } from './snowplow.js';
import { umami } from './umami.js';

/** The foreign protocols that the gateway speaks. */
export const protocols: readonly Protocol[] = [
  segment,
  rudderStack,
  jitsu,
  snowplow,
  postHog,
  ga4,
  gtag,
  amplitude,
  mixpanel,
  matomo,
  plausible,
  umami,
  sharedPaths,
];
